# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The models in the cache: made once, whoever asks, and seen whole or not at all."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from tfnative._cache.entry import Entry
from tfnative._cache.folder import (
    cache_folder,
    check_cache,
    close_to_others,
    disk_error,
    make_cache,
)
from tfnative._cache.lock import exclusive, try_exclusive
from tfnative.errors import LoadError, NotFoundError

T = TypeVar("T")

_MAKING = ".making-"
_REMOVED = ".removed-"
_TEMPORARY = re.compile(r"\.(?:making|removed)-(.+)-[^-]+")


class Store:
    """Entries by key. Any number of processes and threads may use it at once.

    Nothing is changed in place: an entry is made in a folder of its own, which is then
    renamed, and is renamed before it is removed. A process that dies leaves a folder
    that the next one with its key removes, and no lock.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder()
        self._models = self.folder / "models"
        self._locks = self.folder / "locks"

    def find(self, key: str) -> Entry | None:
        """The entry of a key, if there is one that is whole and not expired."""
        entry = Entry.read(self._models / key)
        return None if entry is None or entry.expired else entry

    def find_like(self, prefix: str) -> Entry | None:
        """Of the entries whose keys begin so, the one that was used last."""
        found = [entry for entry in self.entries() if entry.key.startswith(prefix)]
        return max(found, key=lambda entry: entry.last_used, default=None)

    def obtain(
        self,
        key: str,
        make: Callable[[Path], Entry],
        use: Callable[[Entry], T],
        waiting: Callable[[], None] | None = None,
    ) -> T:
        """What ``use`` makes of an entry, which is made if it is missing or damaged.

        Args:
            key: Its key.
            make: Makes it in a new folder, and returns what to write of it. Not called
                while another process or thread makes the same key. What it raises is
                raised, and nothing is kept.
            use: Opens it. If it raises LoadError or NotFoundError for an entry that was
                there, the entry is damaged, and made again.
            waiting: Called if another process or thread is making the entry.

        Raises:
            FailedPreconditionError: The cache cannot be written to.
            PermissionDeniedError: Somebody else can change what is in the cache.
            ResourceExhaustedError: The disk is full.
        """
        check_cache(self.folder)
        found = self._try(key, use)
        if found is not None:
            return found[0]
        try:
            make_cache(self.folder)
            with exclusive(self._locks / key, waiting):
                found = self._try(key, use)  # Somebody else may have made it.
                if found is None:
                    self._make(key, make)
                    entry = self.find(key)
                    assert entry is not None
                    found = (use(entry),)
        except OSError as error:
            raise disk_error(self.folder, error) from error
        return found[0]

    def entries(self) -> list[Entry]:
        """All entries that are whole, those used last first."""
        found = (Entry.read(folder) for folder in self._listed(self._models))
        return sorted(
            (entry for entry in found if entry),
            key=lambda entry: entry.last_used,
            reverse=True,
        )

    def remove(self, key: str) -> bool:
        """Removes an entry, unless somebody is making it: whether it did.

        Models that are loaded from it go on working.
        """
        lock = self._locks / key
        with try_exclusive(lock) as held:
            if held:
                self._remove(key)
                self._remove_leftovers(key)
                lock.unlink(missing_ok=True)
            return held

    def sweep(self) -> int:
        """Removes damaged entries and what processes that died left.

        Returns:
            How many entries are being made.
        """
        whole = {entry.key for entry in self.entries()}
        keys = {path.name for path in self._listed(self._locks)}
        for folder in self._listed(self._models):
            match = _TEMPORARY.fullmatch(folder.name)
            keys.add(match[1] if match else folder.name)
        busy = 0
        for key in keys:
            lock = self._locks / key
            with try_exclusive(lock) as held:
                if held:
                    self._remove_leftovers(key)
                    if key not in whole:
                        self._remove(key)
                        lock.unlink(missing_ok=True)
                busy += not held
        return busy

    def _try(self, key: str, use: Callable[[Entry], T]) -> tuple[T] | None:
        entry = self.find(key)
        if entry is None:
            return None
        try:
            entry.check()
            result = use(entry)
        except (LoadError, NotFoundError):
            return None
        entry.touch()
        return (result,)

    def _make(self, key: str, make: Callable[[Path], Entry]) -> None:
        """Under the key's lock."""
        self._models.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._remove_leftovers(key)
        folder = Path(tempfile.mkdtemp(prefix=f"{_MAKING}{key}-", dir=self._models))
        try:
            begin = time.time()
            entry = make(folder)
            entry = dataclasses.replace(
                entry, key=key, created=time.time(), seconds=time.time() - begin
            )
            entry.write(folder)
            _sync(folder)
            folder.chmod(0o755)
            close_to_others(folder)
            self._remove(key)
            os.rename(folder, self._models / key)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _remove(self, key: str) -> None:
        """Under the key's lock. At no moment is half an entry there."""
        if (self._models / key).exists():
            bin_ = tempfile.mkdtemp(prefix=f"{_REMOVED}{key}-", dir=self._models)
            os.rename(self._models / key, Path(bin_, "entry"))
            shutil.rmtree(bin_, ignore_errors=True)

    def _remove_leftovers(self, key: str) -> None:
        """Under the key's lock: whoever made these died."""
        for folder in self._listed(self._models):
            if folder.name.startswith((f"{_MAKING}{key}-", f"{_REMOVED}{key}-")):
                shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _listed(folder: Path) -> Iterator[Path]:
        try:
            yield from list(folder.iterdir())
        except OSError:
            return


def _sync(folder: Path) -> None:
    """Writes files to the disk before they get their name."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
