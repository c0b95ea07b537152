# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Folders that are there completely or not at all.

Files are written into a hidden folder beside the one that is meant, which is renamed
at last. A writer that is killed leaves the hidden one, which the next writer removes: a
lock that dies with its process tells it from that of a writer who is at work.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from training.data import index
from training.errors import DataError

LOCK = ".writing"
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
_ATTEMPTS = 100


@contextlib.contextmanager
def new_folder(folder: Path, *, replace: bool) -> Iterator[Path]:
    """A hidden folder to write to, which gets the place of ``folder`` at last.

    Args:
        folder: What is meant.
        replace: Whether to replace a complete folder; if not, it stays.

    Raises:
        DataError: What the block or the renaming raised as an OSError.
    """
    try:
        if folder.is_symlink():
            folder = folder.resolve()  # Files are to be where the link leads to.
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise cannot_write(str(folder), error) from error
    try:
        with _locked(temporary):
            yield temporary
            (temporary / LOCK).unlink(missing_ok=True)
            temporary.chmod(0o755)
            _put(temporary, folder, replace=replace)
    except OSError as error:
        raise cannot_write(str(folder), error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def cannot_write(folder: str, error: OSError) -> DataError:
    """What a full disk, and the like, becomes."""
    return DataError(
        f"{folder} cannot be written ({error.strerror or error}): free some space, or "
        "choose another folder with --data-folder"
    )


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


def _remove_abandoned(folder: Path) -> None:
    """Removes what writers left who were killed."""
    for lock in folder.parent.glob(f".{glob.escape(folder.name)}-*/{LOCK}"):
        with contextlib.suppress(OSError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def _put(temporary: Path, folder: Path, *, replace: bool) -> None:
    """Renames the folder into its place, where other processes may do so, too."""
    for attempt in itertools.count(1):
        is_complete = (folder / index.FILE).is_file()
        if is_complete and not replace:
            return  # Someone was quicker, and may read it already.
        old = temporary.with_name(f"{temporary.name}-old-{attempt}")
        try:
            if is_complete:
                with contextlib.suppress(
                    FileNotFoundError
                ):  # Someone replaces it, too.
                    folder.rename(old)
            os.rename(temporary, folder)
            return
        except OSError as error:
            # Between the two, someone may have put another one there.
            if error.errno not in _TAKEN or attempt == _ATTEMPTS:
                with contextlib.suppress(OSError):  # What was there stays.
                    old.rename(folder)
                raise
        finally:
            shutil.rmtree(old, ignore_errors=True)
