# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What files say, read again when they change: tokens and certificates are renewed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from tfnative.errors import Error

_logger = logging.getLogger("tfnative.serving")

T = TypeVar("T")
_Seen = tuple[tuple[int, ...] | None, ...]


class FreshFiles(Generic[T]):
    """A value that is read from files, as they are now. Thread-safe.

    Whether they have changed is looked up whenever the value is needed: a token that
    was taken out of its file is refused at once. If what is new cannot be read, the
    last value that could be stays, and the log says so once.

    Args:
        what: What it is, for the log.
        files: Their paths. Links are followed, so that a link may be moved to others.
        read: Reads the value.

    Raises:
        Error: It cannot be read now.
    """

    def __init__(self, what: str, files: Sequence[str], read: Callable[[], T]) -> None:
        self._what = what
        self._files = tuple(files)
        self._read = read
        self._lock = threading.Lock()
        # Looked at before they are read, so that no change in between is missed.
        self._seen = self._look()
        self._value = read()

    def get(self) -> T:
        """The value. The same object, as long as the files are the same."""
        if self._look() != self._seen:
            with self._lock:
                self._renew()
        return self._value

    def _renew(self) -> None:
        seen = self._look()
        if seen == self._seen:
            return  # Another thread was faster.
        self._seen = seen
        try:
            self._value = self._read()
        except (Error, OSError, ValueError) as error:
            _logger.warning(
                "%s: what is new cannot be used, so the old one stays: %s",
                *(self._what, error),
            )
        else:
            _logger.info("%s: read again", self._what)

    def _look(self) -> _Seen:
        return tuple(_identity(path) for path in self._files)


def _identity(path: str) -> tuple[int, ...] | None:
    """What changes when a file is written or replaced; None if it is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # Or its name is none.
        return None
    times = found.st_mtime_ns, found.st_ctime_ns
    return found.st_dev, found.st_ino, found.st_size, *times
