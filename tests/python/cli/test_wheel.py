# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative wheel`: output, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.python.wheel.wheel_files import copy_artifact
from tfnative.cli import main


@pytest.fixture
def artifact(fake: Path, tmp_path: Path) -> Path:
    return copy_artifact(fake, tmp_path / "artifact")


def test_it_writes_a_wheel_and_says_where(artifact, tmp_path, capsys):
    out = tmp_path / "dist"
    out.mkdir()
    command = ["wheel", str(artifact), "-o", str(out), "--name", "digits-model"]
    assert main([*command, "--version", "1.2.3"]) == 0
    (wheel,) = out.iterdir()
    assert wheel.name.startswith("digits_model-1.2.3-py3-none-manylinux_2_")
    said = capsys.readouterr().out
    assert str(wheel) in said
    assert "import digits_model; needs numpy>=1.24, tfnative>=0.1.0,<" in said


def test_without_a_folder_it_writes_here(artifact, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["wheel", str(artifact)]) == 0
    assert len(list(tmp_path.glob("fake-1.0.0-py3-none-*.whl"))) == 1


def test_json_has_what_programs_need(artifact, tmp_path, capsys):
    command = ["wheel", str(artifact), "-o", str(tmp_path), "--json"]
    assert main([*command, "--summary", "Doubles numbers."]) == 0
    content = json.loads(capsys.readouterr().out)
    wheel = Path(content["path"])
    assert content == {
        "path": str(tmp_path / f"fake-1.0.0-{content['tag']}.whl"),
        "name": "fake",
        "package": "fake",
        "version": "1.0.0",
        "tag": content["tag"],
        "requires": content["requires"],
        "size_bytes": wheel.stat().st_size,
    }
    assert content["tag"].startswith("py3-none-manylinux_2_")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--name", "json"], "would hide the module json"),
        (["--version", "one"], "PEP 440"),
        (["-o", "/no/such/folder"], "there is no folder"),
        (["--summary", "a\nb"], "one line"),
    ],
    ids=str,
)
def test_errors_exit_with_1(artifact, tmp_path, capsys, arguments, message):
    assert main(["wheel", str(artifact), "-o", str(tmp_path), *arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("tfnative wheel: error: ")
    assert message in said


def test_wrong_commands_exit_with_2(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["wheel"])
    assert exit_info.value.code == 2
    assert "usage: tfnative wheel" in capsys.readouterr().err
