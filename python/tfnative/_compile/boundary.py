# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What comes into the compiler from outside, and what errors leave it."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from typing import Any

from tfnative._base.file_errors import describe
from tfnative._base.forked import with_tensorflow
from tfnative.errors import (
    CompileError,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a system says when a disk, or the share of one, is full."""
_OUT_OF_MEMORY = {
    "compile": "out of memory while compiling: compile fewer or smaller batch sizes",
    "draw": "out of memory while drawing: draw one signature",
    "optimize": "out of memory while optimizing: optimize fewer signatures at a time",
}


def check_progress(progress: Any) -> None:
    """Raises InvalidArgumentError if it shows no progress."""
    methods = ("stage", "advance", "finish")
    if progress is not None and not all(
        callable(getattr(progress, method, None)) for method in methods
    ):
        raise InvalidArgumentError(
            f"progress must have the methods {', '.join(methods)}, got {progress!r}"
        )


def check_process() -> None:
    """Raises FailedPreconditionError in a process in which TensorFlow would hang."""
    if with_tensorflow():
        raise FailedPreconditionError(
            "TensorFlow was imported before this process was forked, and would wait "
            "for ever for threads that only the parent has: compile in a process that "
            'was started otherwise, as with multiprocessing\'s "spawn"'
        )


@contextlib.contextmanager
def typed_errors(what: str = "compile") -> Iterator[None]:
    """Lets no error of the system, or of TensorFlow, out as anything but one of ours.

    Args:
        what: What is being done, as a verb: "compile", "optimize" or "draw".

    Raises:
        ResourceExhaustedError: A disk is full, or the memory is.
        CompileError: The system or TensorFlow refused something else.
    """
    try:
        yield
    except MemoryError as error:
        raise ResourceExhaustedError(_OUT_OF_MEMORY[what]) from error
    except OSError as error:
        said = describe(error)
        if error.errno in FULL:
            raise ResourceExhaustedError(
                f"cannot write while {_doing(what)}: {said}. Temporary files are in "
                f"{_temporary()}; TMPDIR sets another folder"
            ) from error
        raise CompileError(f"cannot {what}: {said}") from error
    except Exception as error:
        if not type(error).__module__.startswith("tensorflow."):
            raise
        said = " ".join(str(error).split())[:500]
        raise CompileError(
            f"TensorFlow itself fails on the model: {type(error).__name__}: {said}"
        ) from error


def _doing(what: str) -> str:
    return f"{what.removesuffix('e')}ing"


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:  # There is no folder that can be written to.
        return "no folder"
