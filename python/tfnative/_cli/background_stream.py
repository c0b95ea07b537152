# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a log in a thread: a server does not wait for whoever reads it.

A pipe whose reader has stopped takes 64 KiB and then holds whoever writes. What does
not fit in memory then is lost, since the log's reader is not there to be told.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAX_PIECES = 10_000
"""Pieces of text that may wait, of which each line of a log is one or two."""
LAST_SECONDS = 1.0
"""How long the end of the process waits for the last of them."""


class BackgroundStream(io.RawIOBase):
    """A stream whose ``write`` returns at once. Thread-safe.

    Args:
        descriptor: Where a thread writes it. What cannot be written is lost.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: queue.Queue[bytes] = queue.Queue(MAX_PIECES)
        threading.Thread(
            target=self._write_all, name="tfnative-log", daemon=True
        ).start()

    def writable(self) -> bool:
        """See ``io.RawIOBase``."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """See ``io.RawIOBase``."""
        piece = bytes(data)
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(piece)
        return len(piece)

    def wait(self) -> None:
        """Until all is written, and no longer than ``LAST_SECONDS``."""
        until = time.monotonic() + LAST_SECONDS
        while self._waiting.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.005)

    def _write_all(self) -> None:
        while True:
            piece = self._waiting.get()
            try:
                while piece:
                    piece = piece[os.write(self._descriptor, piece) :]
            except OSError:  # The disk is full, or nobody reads.
                pass
            finally:
                self._waiting.task_done()


@contextlib.contextmanager
def stderr_in_background() -> Iterator[None]:
    """While it lasts, sys.stderr is written in a thread.

    For processes that nobody else uses.
    """
    before = sys.stderr
    try:
        descriptor = before.fileno()
    except (AttributeError, OSError, ValueError):  # There is none.
        yield
        return
    raw = BackgroundStream(descriptor)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )
    try:
        yield
    finally:
        sys.stderr.flush()
        raw.wait()
        sys.stderr = before
