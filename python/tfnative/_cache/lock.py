# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A lock that a process holds on a name, and that goes when the process does."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# File systems without locks: everything is renamed into place, so that all that is
# lost is that others wait for the first.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Holds the lock on a file, which is made if it is missing.

    Threads exclude each other like processes do.

    Args:
        path: The file. Only who holds the lock may delete it.
        waiting: Called once if somebody else holds the lock.

    Raises:
        OSError: The file cannot be made.
    """
    descriptor = _open(path)
    try:
        _lock(descriptor, waiting)
        while not _is_current(descriptor, path):
            os.close(descriptor)
            descriptor = _open(path)
            _lock(descriptor, waiting)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def try_exclusive(path: Path) -> Iterator[bool]:
    """Holds the lock if nobody else does; gives whether it does."""
    descriptor = _open(path)
    try:
        yield _try_lock(descriptor) and _is_current(descriptor, path)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _lock(descriptor: int, waiting: Callable[[], None] | None) -> None:
    if not _try_lock(descriptor):
        if waiting:
            waiting()
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _is_current(descriptor: int, path: Path) -> bool:
    """Whether the file was not deleted while we waited for its lock."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
