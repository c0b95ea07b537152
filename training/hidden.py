# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Folders that are there completely or not at all.

What belongs into a folder is written into a hidden one beside it, which takes its place
at last. A writer that is killed leaves the hidden one, which the next writer removes: a
lock that dies with its process tells it from that of a writer who is at work.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOCK = ".writing"
"""What the writer of a hidden folder has locked in it."""

BEFORE = "before"
"""In a hidden folder, what had the name that the new one was about to get."""

_AT_FDCWD = -100
_EXCHANGE = 2
"""``RENAME_EXCHANGE`` of linux/fs.h."""
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
"""What a kernel or a file system says that cannot exchange two names."""


@contextlib.contextmanager
def hidden_beside(folder: Path) -> Iterator[Path]:
    """A new hidden folder beside the one that it is for; it is gone after the block.

    What writers left there who were killed is removed first.

    Raises:
        OSError: It cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(folder.parent)
    hidden = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with _locked(hidden):
            yield hidden
    finally:
        _remove(hidden)


def _remove(hidden: Path) -> None:
    """The lock goes last: by it, the next writer finds what is left."""
    with contextlib.suppress(OSError):
        for path in hidden.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK:
                path.unlink(missing_ok=True)
    shutil.rmtree(hidden, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # Locked before it has its name: nobody sees it unlocked.
    first = folder / f"{LOCK}-new"
    with first.open("wb") as file:
        with contextlib.suppress(OSError):  # Not every file system has locks.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            first.rename(folder / LOCK)
        first.unlink(missing_ok=True)
        yield


def remove_abandoned(parent: Path) -> None:
    """Removes the hidden folders of writers who were killed.

    One of them may have been about to put the new folder into the place of the old one:
    then that gets its name again.
    """
    for lock in parent.glob(f".*-*/{LOCK}"):
        with contextlib.suppress(OSError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden = lock.parent
            folder = hidden.with_name(hidden.name[1:].rpartition("-")[0])
            if not os.path.lexists(folder) and (hidden / BEFORE).is_dir():
                (hidden / BEFORE).rename(folder)
            _remove(hidden)


def put(new: Path, folder: Path) -> None:
    """Gives a hidden folder its name: at no time is there none, or half of one.

    Where a file system cannot exchange two names at once, there is none for a moment,
    and whoever is killed in it leaves the old one to `remove_abandoned`.

    Args:
        new: In the folder of `hidden_beside`.
        folder: Where it belongs; if it is there, it is in the hidden folder afterwards.

    Raises:
        OSError: It cannot be renamed; what had the name has it.
    """
    if not os.path.lexists(folder):
        new.rename(folder)
        return
    try:
        _exchange(new, folder)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        aside = new.with_name(BEFORE)
        folder.rename(aside)
        try:
            new.rename(folder)
        except OSError:
            aside.rename(folder)
            raise


def _exchange(one: Path, other: Path) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    names = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if rename(*names, _EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))
