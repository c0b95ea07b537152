# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What README.md shows exists, and works as it is shown."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tfnative
from tfnative import cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + [
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "training").glob("*.md"),
    *(ROOT / "examples").glob("*.md"),
    *(ROOT / "benchmarks").glob("*.md"),
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [
        line
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("tfnative ")
    ]


def test_it_is_one_page():
    assert len(README.splitlines()) <= 120


def test_the_two_commands_come_first_and_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for command in ("demo", "test"):
        assert 0 < README.index(f"make {command}") < README.index("##")
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)


def test_ci_runs_the_readmes_test_command():
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("\nmake test")


def test_python_blocks_use_names_that_exist():
    (example,) = blocks("python")
    compile(example, "README.md", "exec")
    for name in re.findall(r"\btfnative\.(\w+)", example):
        assert hasattr(tfnative, name), name


def test_the_example_has_ten_lines():
    (example,) = blocks("python")
    code = [line for line in example.splitlines() if line and line[0] != "#"]
    assert len(code) <= 10


def test_every_subcommand_is_shown():
    shown = {shlex.split(command)[1] for command in commands()}
    assert shown == {"compile", "inspect", "selftest", "run", "bench"}


@pytest.mark.parametrize("command", commands())
def test_commands_have_options_that_exist(
    command: str, capsys: pytest.CaptureFixture[str]
):
    _, subcommand, *arguments = shlex.split(command, comments=True)
    with pytest.raises(SystemExit) as exit_info:
        cli.main([subcommand, "--help"])
    assert exit_info.value.code == 0
    described = capsys.readouterr().out
    for argument in arguments:
        if argument.startswith("-"):
            assert re.search(rf"(?<![\w-]){argument}\b", described), argument


@pytest.mark.slow
def test_the_commands_work_one_after_the_other(tmp_path: Path):
    train = "-m training fit --epochs 2 --output saved_models/digits"
    run(tmp_path, sys.executable, *shlex.split(train))
    run(
        *(tmp_path, sys.executable, "-c"),
        "import numpy as np;"
        "d = np.load('saved_models/digits_heldout.npz');"
        "np.save('images.npy', d['images'])",
    )
    program = Path(sys.executable).with_name("tfnative")
    if not program.exists():
        pytest.skip("tfnative is not installed, but taken from the sources")
    for command in commands():
        run(tmp_path, str(program), *shlex.split(command, comments=True)[1:])
    run(
        *(tmp_path, sys.executable, "-c"),
        "import numpy as np;"
        "p = np.load('out.npy');"
        "assert p.shape == (360, 10), p.shape;"
        "assert abs(p.sum(axis=1) - 1).max() < 1e-5",
    )


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_make_help_lists_the_targets():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    said = subprocess.run(
        ["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True
    ).stdout
    for target in "demo test lint format docs bench wheel clean".split():
        assert f"make {target} " in said
