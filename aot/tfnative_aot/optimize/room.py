# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Says which disk is full: that of the model, of its report, or of neither."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tfnative._compile.boundary import FULL
from tfnative.errors import CompileError, ResourceExhaustedError


@contextlib.contextmanager
def room_for(output: Path) -> Iterator[None]:
    """Says whose disk is full: that of the output, and not of temporary files.

    Raises:
        ResourceExhaustedError: It is.
        CompileError: The system refuses something else, which is named.
    """
    try:
        yield
    except OSError as error:
        if _is_full(error):
            raise ResourceExhaustedError(
                f"cannot write {output}: {_full(output)}"
            ) from error
        raise CompileError(f"cannot write {output}: {error}") from error


@contextlib.contextmanager
def room_for_report(report: Path, rest: Callable[[], str]) -> Iterator[None]:
    """Names the report where that cannot be written, and says what was.

    Args:
        report: Where it is to be.
        rest: Says what became of the model.

    Raises:
        ResourceExhaustedError: The disk is full.
        CompileError: The system refuses it otherwise.
    """
    try:
        yield
    except OSError as error:
        if _is_full(error):
            raise ResourceExhaustedError(
                f"cannot write the report (--report) {report}: {_full(report)}: make "
                f"room there, or choose another place; {rest()}"
            ) from error
        raise CompileError(
            f"cannot write the report (--report) {report}: {error.strerror or error}; "
            f"{rest()}"
        ) from error


def _full(path: Path) -> str:
    folder = path.resolve().parent
    return f"the disk of {folder} is full, or what may be written there is"


def _is_full(error: OSError) -> bool:
    return not {error.errno, *_errno_of_copies(error)}.isdisjoint(FULL)


def _errno_of_copies(error: OSError) -> set[int]:
    """The numbers of the errors that shutil.copytree collected, which are texts."""
    if not isinstance(error, shutil.Error):
        return set()
    return {code for code in FULL if os.strerror(code) in str(error)}
