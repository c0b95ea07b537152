# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The cache of models that ``load(..., backend="auto")`` compiled.

    for entry in tfnative.cache.entries():
        print(entry.source, entry.bytes)
    tfnative.cache.clear(older_than=timedelta(days=30))

docs/backends.md describes it. The functions may be called while other processes use
the cache.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tfnative._cache.digest import folder_digest
from tfnative._cache.entry import Entry, Library, Refusal, folder_bytes
from tfnative._cache.folder import cache_folder, disk_error
from tfnative._cache.kernels import clear_kernels, kernel_sets, kernels_bytes
from tfnative._cache.shipped import clear_shipped
from tfnative._cache.store import Store

__all__ = [
    "Cleared",
    "Entry",
    "Library",
    "Refusal",
    "clear",
    "entries",
    "folder_digest",
    "kernels_bytes",
    "kernels_count",
    "path",
]


@dataclass(frozen=True)
class Cleared:
    """What ``clear`` did.

    Attributes:
        entries: How many models it removed.
        bytes: How much room it made.
        busy: How many models it left since a process was compiling them.
        kernels: How many sets of compiled kernels it removed: there is one for each
            CPU level and compiler.
        kernels_busy: How many it left since a process was compiling or linking them.
    """

    entries: int
    bytes: int
    busy: int
    kernels: int = 0
    kernels_busy: int = 0


def path() -> Path:
    """The cache's folder, whether it exists or not.

    ``$TFNATIVE_CACHE``, else ``$XDG_CACHE_HOME/tfnative``, else ``~/.cache/tfnative``.

    Raises:
        FailedPreconditionError: There is no home folder, and neither is set.
    """
    return cache_folder()


def entries() -> list[Entry]:
    """The models in the cache, those used last first."""
    return Store().entries()


def kernels_count() -> int:
    """How many sets of compiled kernels there are, for CPU levels and compilers."""
    return len(kernel_sets())


def clear(older_than: timedelta | None = None) -> Cleared:
    """Removes what is in the cache.

    Models that are loaded go on working. What is being compiled stays, and so do the
    kernels that it is linked with. Models that came from other machines of a cluster
    go, too.

    Args:
        older_than: Only what was not used for so long. Default: everything.

    Raises:
        FailedPreconditionError: The cache cannot be written to.
    """
    store = Store()
    now = time.time()
    limit = now - older_than.total_seconds() if older_than else None
    before = folder_bytes(store.folder)
    removed = busy = 0
    try:
        for entry in store.entries():
            if limit is None or entry.last_used < limit:
                removed += store.remove(entry.key)
        busy = store.sweep()
        kernels = clear_kernels(limit)
        clear_shipped(limit)
        _remove_older(store.folder / "digests", limit or now)
    except OSError as error:
        raise disk_error(store.folder, error) from error
    freed = max(before - folder_bytes(store.folder), 0)
    return Cleared(removed, freed, busy, kernels.removed, kernels.busy)


def _remove_older(folder: Path, limit: float) -> None:
    for item in _older(folder, limit):
        item.unlink(missing_ok=True)


def _older(folder: Path, limit: float) -> Iterator[Path]:
    try:
        found = list(folder.iterdir())
    except FileNotFoundError:
        return
    for item in found:
        try:
            if item.stat().st_mtime <= limit:
                yield item
        except FileNotFoundError:
            pass
