# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The example programs build against a compiled model and agree with Python."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.consumers.programs import ROOT, ROWS, run

EXAMPLES = ROOT / "examples"
STRICT = "-Wall -Wextra -Wpedantic -Wshadow -Werror"

Build = Callable[..., Path]


@pytest.fixture(scope="module", params=["cpp", "c"])
def program(request: pytest.FixtureRequest, build: Build, digits: Path) -> Path:
    flags = f"-DCMAKE_{'CXX' if request.param == 'cpp' else 'C'}_FLAGS={STRICT}"
    return build(EXAMPLES / request.param, digits, flags) / "classify"


def test_it_classifies_as_python_does(program: Path, images: Path, classes: list[int]):
    assert [int(line) for line in run(program, images).split()] == classes


def test_with_labels_it_prints_the_accuracy(
    program: Path, images: Path, classes: list[int], tmp_path: Path
):
    labels = tmp_path / "labels.u8"
    labels.write_bytes(bytes([(classes[0] + 1) % 10, *classes[1:]]))
    match = re.fullmatch(
        r"accuracy: ([\d.]+) \((\d+) of (\d+)\)\n", run(program, images, labels)
    )
    assert match
    assert (int(match[2]), int(match[3])) == (ROWS - 1, ROWS)


def test_a_missing_file_is_an_error(program: Path, tmp_path: Path):
    done = subprocess.run(
        [program, tmp_path / "nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "nothing" in done.stderr


def test_without_arguments_it_says_how_to_use_it(program: Path):
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_the_header_is_c99(digits: Path, tmp_path: Path):
    source = tmp_path / "main.c"
    source.write_text('#include "digits.h"\nint unused_;\n')
    flags = ["-std=c99", *STRICT.split(), "-fsyntax-only"]
    run("cc", *flags, "-I", digits / "include", source)


def test_a_program_can_link_the_archive(
    build: Build, digits: Path, images: Path, classes: list[int], tmp_path: Path
):
    project = tmp_path / "static"
    project.mkdir()
    text = (EXAMPLES / "cpp" / "CMakeLists.txt").read_text()
    assert "digits::digits" in text
    (project / "CMakeLists.txt").write_text(
        text.replace("digits::digits", "digits::static")
    )
    (project / "main.cc").write_text((EXAMPLES / "cpp" / "main.cc").read_text())
    program = build(project, digits) / "classify"
    assert [int(line) for line in run(program, images).split()] == classes
    assert "libdigits" not in run("ldd", program)
