# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Standard output and error of the command's process, whatever they are.

What cannot be written to standard error is lost, since nobody can be told. Results that
cannot be written are a failure, unless standard output is closed: then nobody wants
them. Characters that the encoding lacks are written as escapes.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputError(OSError):
    """Standard output cannot be written to."""


class _Results(io.FileIO):
    """Says that it is standard output that failed, and not another file."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(
                f"cannot write to standard output: {error.strerror}"
            ) from error


class _Messages(io.FileIO):
    """Loses what cannot be written."""

    def write(self, data: ReadableBuffer, /) -> int:
        written: int | None = None
        with contextlib.suppress(OSError):
            written = super().write(data)  # None if the reader does not keep up.
        return memoryview(data).nbytes if written is None else written


def prepare() -> None:
    """Replaces the streams of this process, which nobody else must use."""
    for descriptor in range(3):
        _open(descriptor)
    sys.stdout = _replacement(sys.stdout, 1, _Results)
    sys.stderr = _replacement(sys.stderr, 2, _Messages)


def messages_to(descriptor: int) -> TextIO:
    """What stands for sys.stderr, which goes to another descriptor from now on."""
    return _replacement(sys.stderr, descriptor, _Messages)


def flush() -> None:
    """Writes what is not yet written.

    Raises:
        BrokenPipeError: The reader of standard output left.
        OutputError: Standard output cannot be written to.
    """
    for stream in (sys.stderr, sys.stdout):
        with contextlib.suppress(ValueError):  # It was closed.
            stream.flush()


def say(line: str, stream: Literal["stdout", "stderr"]) -> None:
    """Writes a line for whoever wants to know, as to a log: it may be lost.

    If it cannot be written, nothing is written to that stream any more, so that it
    does not fail later.
    """
    try:
        print(line, file=getattr(sys, stream), flush=True)
    except (OSError, ValueError):  # The disk is full, nobody reads, or it was closed.
        setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _open(descriptor: int) -> None:
    """Keeps files that are opened later from being a stream that was closed."""
    try:
        os.fstat(descriptor)
    except OSError:
        nothing = os.open(os.devnull, os.O_RDWR)
        if nothing != descriptor:
            os.dup2(nothing, descriptor)
            os.close(nothing)
        os.set_inheritable(descriptor, True)


def _replacement(
    stream: TextIO | None, descriptor: int, kind: Callable[..., io.FileIO]
) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # Who put it there knows better.
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(kind(descriptor, "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering or stream.write_through,
    )
