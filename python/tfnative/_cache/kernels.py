# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The folders of compiled kernels in the cache, and who uses them.

Who compiles or links kernels holds a shared lock on their folder itself, which needs no
file, works in a cache that cannot be written to, and goes when the process does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tfnative._cache.entry import folder_bytes
from tfnative._cache.folder import cache_folder, remove_at_once

TEMPORARY = "tmp"
_REMOVED = ".removed-"
_STALE_SECONDS = 3600.0
# Where the file system has no locks on folders, what is this young may be in use.
_YOUNG_SECONDS = 600.0


@dataclass(frozen=True)
class ClearedKernels:
    """What ``clear_kernels`` did.

    Attributes:
        removed: How many sets of kernels it removed: one for each CPU level, compiler
            and version of the sources.
        busy: How many folders it left since a process was compiling or linking them.
    """

    removed: int
    busy: int


def kernels_folder() -> Path:
    """Where the sets of kernels are, each in a folder of its own."""
    return cache_folder() / "kernels"


def kernel_sets() -> list[Path]:
    """The folders of all sets that were completed."""
    return [f for f in _folders(kernels_folder()) if not _is_leftover(f)]


def hold(folder: Path) -> int | None:
    """Keeps others from removing a folder, until the descriptor is closed.

    Returns:
        The descriptor; None if there is no such folder, or it is being removed.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        pass  # There are no locks here; its age protects it.
    return descriptor


def clear_kernels(limit: float | None) -> ClearedKernels:
    """Removes kernels that nobody uses.

    Args:
        limit: Only what was last used before, in seconds since 1970. Default: all.

    Raises:
        OSError: The cache cannot be written to.
    """
    removed = busy = 0
    for folder in _folders(kernels_folder()):
        if limit is not None and _used(folder) > limit:
            continue
        with _unused(folder) as free:
            if free:
                remove_at_once(folder, _REMOVED)
                removed += not _is_leftover(folder)
            busy += not free
    return ClearedKernels(removed, busy)


def remove_leftovers() -> None:
    """Removes what compilers that were killed left an hour ago or earlier."""
    stale = time.time() - _STALE_SECONDS
    for folder in _folders(kernels_folder()):
        if _is_leftover(folder) and _used(folder) < stale:
            # Others may own it.
            with suppress(OSError), _unused(folder) as free:
                if free:
                    shutil.rmtree(folder, ignore_errors=True)


def _is_leftover(folder: Path) -> bool:
    return folder.name.startswith((TEMPORARY, _REMOVED))


@contextmanager
def _unused(folder: Path) -> Iterator[bool]:
    """Whether nobody holds a folder; while it is asked, nobody can begin to."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        except OSError:
            free = _used(folder) < time.time() - _YOUNG_SECONDS
        yield free
    finally:
        os.close(descriptor)


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir())
    except OSError:
        return []


def kernels_bytes() -> int:
    """The space that all compiled kernels take."""
    return folder_bytes(kernels_folder())
