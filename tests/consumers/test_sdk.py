# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""find_package(tfnative) works from an installed tree, for C++ and C programs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.consumers.programs import ROOT, run

HERE = Path(__file__).parent
HEADERS = sorted((ROOT / "cpp" / "include" / "tfnative").iterdir())

Build = Callable[..., Path]


@pytest.fixture(scope="module")
def programs(build: Build, sdk: Path) -> Path:
    return build(HERE / "sdk_program", sdk)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cpp_program", "batching_program", "c_program"])
def test_a_program_classifies_as_python_does(
    programs: Path, name: str, digits: Path, images: Path, classes: list[int]
):
    said = run(programs / name, digits, images)
    assert [int(line) for line in said.split()] == classes


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cpp_program", "batching_program", "c_program"])
def test_a_missing_model_is_reported_with_its_path(
    programs: Path, name: str, tmp_path: Path, images: Path
):
    missing = tmp_path / "missing"
    done = subprocess.run(
        [programs / name, missing, images], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert str(missing) in done.stderr


@pytest.mark.slow
def test_the_sdk_has_the_public_headers_and_no_python(sdk: Path):
    installed = {path.name for path in (sdk / "include" / "tfnative").iterdir()}
    assert installed == {header.name for header in HEADERS}
    assert not list(sdk.rglob("*.py"))
    assert not list(sdk.rglob("_core*"))


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.name)
def test_headers_stand_alone(header: Path, tmp_path: Path):
    source = tmp_path / "main.cc"
    source.write_text(f'#include "tfnative/{header.name}"\n')
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only"]
    run("c++", "-std=c++17", *strict, "-I", ROOT / "cpp" / "include", source)
    if header.suffix == ".h":
        c_source = source.rename(tmp_path / "main.c")
        c_source.write_text(source_with_declaration(header))
        run("cc", "-std=c99", *strict, "-I", ROOT / "cpp" / "include", c_source)


def source_with_declaration(header: Path) -> str:
    return f'#include "tfnative/{header.name}"\nextern int unused_;\n'
