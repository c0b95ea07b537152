# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Nothing but errors of tfnative comes out of compile."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tfnative
from tfnative._compile.boundary import typed_errors


@pytest.mark.parametrize("path", [None, 3, b"model", "", "a\0b"])
@pytest.mark.parametrize("which", ["model", "output"])
def test_what_is_no_path_is_refused_by_name(which: str, path: object, tmp_path: Path):
    paths = {"model": str(tmp_path / "model"), "output": tmp_path / "out", which: path}
    with pytest.raises(tfnative.InvalidArgumentError, match=f"{which} must be a path"):
        tfnative.compile(**paths)


def test_what_shows_no_progress_is_refused(tmp_path: Path):
    with pytest.raises(tfnative.InvalidArgumentError, match="progress must have"):
        tfnative.compile("model", tmp_path / "out", progress=3)


@pytest.mark.parametrize(
    ("raised", "expected", "said"),
    [
        (OSError(errno.ENOSPC, "No space left", "/x"), "ResourceExhausted", "TMPDIR"),
        (OSError(errno.EACCES, "Permission denied", "/x"), "Compile", "/x"),
        (OSError("no name"), "Compile", "no name"),
        (MemoryError(), "ResourceExhausted", "smaller batch sizes"),
    ],
)
def test_errors_of_the_system_are_typed(raised: Exception, expected: str, said: str):
    with (
        pytest.raises(getattr(tfnative, f"{expected}Error"), match=said),
        typed_errors(),
    ):
        raise raised


@pytest.mark.parametrize("verb", ["compile", "optimize", "draw"])
def test_errors_say_what_was_done(verb: str):
    other = {"compile", "optimize", "draw"} - {verb}
    for error in (OSError("no"), OSError(errno.ENOSPC, "full", "/x"), MemoryError()):
        with pytest.raises(tfnative.Error) as caught, typed_errors(verb):
            raise error
        assert verb.removesuffix("e") in str(caught.value)
        assert not any(each in str(caught.value) for each in other)


def test_errors_of_tensorflow_are_typed():
    class UnimplementedError(Exception):
        pass

    UnimplementedError.__module__ = "tensorflow.python.framework.errors_impl"
    with (
        pytest.raises(tfnative.CompileError, match="UnimplementedError: no such type"),
        typed_errors(),
    ):
        raise UnimplementedError("no such\n  type")


@pytest.mark.parametrize("error", [tfnative.LoadError("x"), KeyboardInterrupt()])
def test_other_errors_pass(error: BaseException):
    with pytest.raises(type(error)), typed_errors():
        raise error


def test_a_fork_of_a_process_with_tensorflow_refuses_to_compile():
    code = """
import os, sys, types
import tfnative
sys.modules["tensorflow"] = types.ModuleType("tensorflow")
pid = os.fork()
if pid == 0:
    try:
        from tfnative._compile.boundary import check_process
        check_process()
    except tfnative.FailedPreconditionError as error:
        print(error, flush=True)
        os._exit(7)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ},
    )
    assert done.stdout.splitlines()[-1] == "7"
    assert "before this process was forked" in done.stdout


@pytest.mark.parametrize(
    "options",
    [{"batch_sizes": [2**31]}, {"shapes": {"x": (-1, 2**40)}}, {"rtol": float("nan")}],
)
def test_numbers_that_no_size_has_are_refused_at_once(options, tmp_path: Path):
    (name,) = options
    with pytest.raises(tfnative.InvalidArgumentError, match=f"{name} must be"):
        tfnative.compile(tmp_path / "model", tmp_path / "out", **options)
