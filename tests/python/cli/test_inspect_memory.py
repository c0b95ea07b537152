# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative inspect --memory`, of an artifact that does not run here."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.python.conftest import manifest
from tests.python.draw.drawn import loop_program, with_memory
from tfnative._manifest.program import ProgramRecord, to_json
from tfnative.cli import main

Text = pytest.CaptureFixture[str]


def made(folder: Path, program: ProgramRecord, **changes: object) -> str:
    """An artifact of which there is a manifest and a program, and no library."""
    content = manifest() | {"triple": "aarch64-linux-gnu"} | changes
    (folder / "manifest.json").write_text(json.dumps(content))
    (folder / "program.json").write_text(to_json((program,)))
    return str(folder)


@pytest.fixture
def artifact(tmp_path: Path) -> str:
    folder = tmp_path / "net"
    folder.mkdir()
    return made(folder, with_memory(loop_program()))


def test_the_chart_and_what_makes_the_peak_are_printed(
    artifact: str, capsys: Text, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["inspect", artifact, "--memory"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "fake: serving_default, 1 row"
    assert lines[5].startswith("192 bytes |")
    assert all(len(line) <= 40 for line in lines[5:16])
    at = lines.index("alive at step 4:")
    assert lines[at + 2].split() == "66.7% 128 bytes f32[1,4] 4 copy copy.1".split()
    assert lines[at + 3].startswith("33.3%  64 bytes")
    assert lines[at + 3].endswith("MatMul  model/dense/BiasAdd")


def test_json_has_all_numbers(artifact: str, capsys: Text):
    assert main(["inspect", artifact, "--memory", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["live_bytes"] == [64, 128, 128, 128, 192]
    assert (content["peak_bytes"], content["peak_step"]) == (192, 4)
    assert (content["values_bytes"], content["xla_order_bytes"]) == (192, 256)
    assert (content["order"], content["xla_bytes"]) == ("depth first", 320)
    assert [value["bytes"] for value in content["values"]] == [64, 64, 128]
    assert content["values"][2] == {
        "offset": 64,
        "bytes": 128,
        "first_step": 4,
        "last_step": 5,
        "step": 4,
        "op": "copy",
        "name": "copy.1",
        "shape": "f32[1,4]",
        "share_of_peak": 128 / 192,
    }


def test_pictures_are_written(artifact: str, tmp_path: Path, capsys: Text):
    path = tmp_path / "net.svg"
    assert main(["inspect", artifact, "--memory", str(path), "--batch-size", "1"]) == 0
    assert f"written: {path}" in capsys.readouterr().out
    assert ET.fromstring(path.read_text()).tag.endswith("svg")
    pytest.importorskip("jinja2", reason='needs "tfnative[draw]"')
    page = tmp_path / "net.html"
    assert main(["inspect", artifact, "--memory", str(page)]) == 0
    assert "model/dense/BiasAdd" in page.read_text()


def test_older_artifacts_say_to_compile_again(tmp_path: Path, capsys: Text):
    folder = made(tmp_path, loop_program())
    assert main(["inspect", folder, "--memory"]) == 1
    assert "Compile the model again" in capsys.readouterr().err
    (tmp_path / "program.json").unlink()
    assert main(["inspect", folder, "--memory"]) == 1
    assert "compile the model again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--memory", "net.png"], 2, "has to end in .svg or .html"),
        (["--memory", "--graph", "net.dot"], 2, "--memory and --graph show"),
        (["--memory", "--program"], 2, "--memory and --program show"),
        (["--memory", "--profile"], 2, "--profile needs --graph"),
        (["--memory", "nowhere/net.svg"], 1, "there is no folder"),
        (["--memory", "--signature", "other"], 1, "there is no 'other'"),
        (["--memory", "--batch-size", "7"], 1, "not compiled for 7 rows"),
    ],
)
def test_what_makes_no_sense_is_refused(
    artifact: str, capsys: Text, flags: list[str], code: int, said: str
):
    assert main(["inspect", artifact, *flags]) == code
    assert said in capsys.readouterr().err


def test_saved_models_have_no_workspace(tmp_path: Path, capsys: Text):
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert main(["inspect", str(tmp_path), "--memory"]) == 2
    assert "is a SavedModel: compile it first" in capsys.readouterr().err


def test_the_workspace_of_another_machine_is_in_the_manifest(
    tmp_path: Path, capsys: Text
):
    memory = {
        "batch_size": 4,
        "cpu_level": "generic",
        "workspace_bytes": 5000,
        "thread_bytes": 1000,
        "values_bytes": 4000,
        "peak_bytes": 3000,
        "order": "xla",
        "xla_order_bytes": 4000,
    }
    signatures = manifest()["signatures"]
    signatures["affine"]["memory"] = [memory, memory | {"cpu_level": "other"}]
    folder = made(tmp_path, loop_program(), signatures=signatures)
    assert main(["inspect", folder]) == 0
    shown = capsys.readouterr().out
    assert "workspace: 5.0 kB\n" in shown
    assert "values in it that are alive at once: at most 3.0 kB\n" in shown
    assert main(["inspect", folder, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["signatures"]["affine"]["memory"][0] == memory
