# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Standard output and error that are closed, full, or poor in characters."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

NO_SPACE = "cannot write to standard output: No space left on device"

full = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="this system has no /dev/full"
)
CLOSED = pytest.param(">&-", id="closed")
FULL = pytest.param(">/dev/full", id="full", marks=full)

pytestmark = pytest.mark.slow  # Each compiles, in a process of its own.


def run(
    *arguments: str | Path, redirected: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    words = shlex.join([sys.executable, "-m", "tfnative", *map(str, arguments)])
    return subprocess.run(
        ["sh", "-c", f"exec {words} {redirected}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("how", [CLOSED, FULL])
def test_errors_that_cannot_be_shown_keep_their_code(how: str) -> None:
    done = run("inspect", "/nowhere", redirected=f"2{how}")
    assert (done.returncode, done.stdout) == (1, "")
    assert run("nonsense", redirected=f"2{how}").returncode == 2


def test_results_that_nobody_wants_are_not_printed() -> None:
    done = run("targets", redirected=">&-")
    assert (done.returncode, done.stderr) == (0, "")


@full
@pytest.mark.parametrize("arguments", [("targets",), ("--help",), ("--version",)])
def test_results_that_cannot_be_written_are_a_failure(arguments: tuple[str]) -> None:
    done = run(*arguments, redirected=">/dev/full")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert NO_SPACE in done.stderr


@full
def test_an_error_is_not_hidden_by_one_of_the_output() -> None:
    done = run("inspect", "/nowhere", redirected=">/dev/full")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "/nowhere" in done.stderr


def test_a_reader_that_left_is_no_error_to_show() -> None:
    command = [sys.executable, "-m", "tfnative", "targets"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_characters_that_the_encoding_lacks_are_escaped(tmp_path: Path) -> None:
    done = run(
        *("cache", "path"),
        redirected="",
        PYTHONIOENCODING="ascii",
        TFNATIVE_CACHE=str(tmp_path / "ünï"),
    )
    assert done.returncode == 0, done.stderr
    assert r"\xfcn\xef" in done.stdout


def test_files_that_are_opened_take_no_closed_stream_s_place() -> None:
    program = (
        "import os, sys, tfnative.__main__ as process\n"
        "def main(owns_process):\n"
        "    return os.open(os.devnull, os.O_RDONLY)\n"
        "process.main = main\n"
        "process.run()\n"
    )
    words = shlex.join([sys.executable, "-c", program])
    done = subprocess.run(["sh", "-c", f"{words} <&- >&- 2>&-"], check=False)
    assert done.returncode > 2


@pytest.mark.parametrize(
    "redirected", ["2>&-", pytest.param("2>/dev/full", marks=full), ">&-", ">&- 2>&-"]
)
def test_a_model_is_compiled_whatever_the_streams_are(
    saved_model: Path, tmp_path: Path, redirected: str
) -> None:
    output = tmp_path / "compiled"
    arguments = ("compile", saved_model, "-o", output, "--no-winograd")
    arguments += ("--batch-sizes", "1", "--cpu", "native")
    done = run(*arguments, redirected=redirected)
    assert done.returncode == 0, done.stderr
    assert (output / "manifest.json").is_file()
