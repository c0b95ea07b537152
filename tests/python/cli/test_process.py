# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The command's process ends quickly, with all written and its exit code kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# `main` is replaced by what a test wants the command to do.
PROGRAM = """\
import atexit, logging, os, sys
import tfnative.__main__ as process
def main(owns_process):
    assert owns_process
    {body}
process.main = main
process.run()
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.replace("{body}", body)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_the_exit_code_is_that_of_the_command(code: int) -> None:
    assert run(f"return {code}").returncode == code


def test_all_that_was_printed_is_written() -> None:
    done = run("print('x' * 100_000, end=''); sys.stderr.write('end'); return 0")
    assert len(done.stdout) == 100_000
    assert done.stderr == "end"


def test_what_others_do_at_the_end_is_done_before() -> None:
    done = run("atexit.register(print, 'at the end'); return 3")
    assert (done.stdout, done.returncode) == ("at the end\n", 3)


def test_threads_are_waited_for() -> None:
    body = (
        "import threading, time; "
        "threading.Thread(target=lambda: (time.sleep(0.2), print('done'))).start(); "
        "return 0"
    )
    assert run(body).stdout == "done\n"


def test_nothing_is_taken_apart() -> None:
    body = (
        "import types; sys.kept = type('Kept', (), "
        "{'__del__': lambda self: os.write(1, b'deleted')})(); return 0"
    )
    assert run(body).stdout == ""


def test_an_exception_is_shown() -> None:
    done = run("raise RuntimeError('a fault of ours')")
    assert done.returncode == 1
    assert "RuntimeError: a fault of ours" in done.stderr


def test_usage_errors_keep_their_code() -> None:
    command = [sys.executable, "-m", "tfnative", "no-such-command"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no-such-command" in done.stderr


def test_a_reader_that_left_is_no_success() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("{body}", "print('x'); return 0")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
    assert process.returncode != 0


def test_the_installed_command_is_this_process() -> None:
    script = Path(sys.executable).with_name("tfnative")
    assert "tfnative.__main__" in script.read_text()
