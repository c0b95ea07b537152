# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loads and unloads versions, as folders come and go."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from weakref import WeakSet

from tfnative._store.live_catalog import LiveCatalog
from tfnative._store.version_folders import Fingerprint, find_versions, fingerprint
from tfnative._store.version_loader import VersionOptions, load_version
from tfnative._store.versions import (
    SpecificVersions,
    VersionState,
    VersionStatus,
    superfluous,
)
from tfnative.errors import Error, LoadError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from tfnative._store.versions import VersionPolicy

_logger = logging.getLogger("tfnative.model_store")
_MAX_DOUBLINGS = 6
_MAX_VANISHED = 10


@dataclass(frozen=True)
class _Failure:
    files: Fingerprint
    attempts: int
    retry_at: float | None
    """When to try again though no file has changed, in time.monotonic()'s seconds."""


class VersionManager:
    """Keeps what is loaded in line with a folder of versions.

    All methods may be called from any number of threads at once. One ``look`` is in
    progress at a time.

    Args:
        live: Where to keep what is loaded, and the folder.
        policy: Which versions to load.
        options: How to load them.
        retry_seconds: How long to wait before a version whose files have not changed is
            tried again, doubled each time, up to 64 times as long. None: for ever.

    Attributes:
        policy: As given, or as set since.
    """

    def __init__(
        self,
        live: LiveCatalog,
        policy: VersionPolicy,
        options: VersionOptions,
        retry_seconds: float | None,
    ) -> None:
        self.policy = policy
        self._live = live
        self._base = live.now.base
        self._options = options
        self._retry_seconds = retry_seconds
        self._looking = threading.RLock()
        # Guarded by _looking:
        self._inside_look = False
        self._failures: dict[int, _Failure] = {}
        self._complaint = ""
        _managers.add(self)

    def after_fork(self) -> None:
        """In a child of fork: forgets what threads of the parent were doing."""
        self._looking = threading.RLock()
        self._inside_look = False
        self._live.after_fork()

    def check_not_empty(self) -> None:
        """Checks that a version is available.

        Raises:
            NotFoundError: There is none that the policy selects.
            LoadError: None of these could be loaded.
        """
        catalog = self._live.now
        if catalog.models:
            return
        if catalog.statuses:
            problem = f"no version could be loaded; {catalog.describe()}"
            raise LoadError(problem)
        hint = ""
        if (catalog.base / "manifest.json").exists():
            hint = f": it is an artifact itself, which belongs in {catalog.base / '1'}"
        raise NotFoundError(self._complaint + hint)

    def look(self) -> None:
        """Loads what is new, and unloads what is no longer wanted.

        From a callback, it does nothing: a look is in progress then. It raises nothing:
        what goes wrong is logged, and noted in the statuses.
        """
        with self._looking:
            if self._inside_look:
                return
            self._inside_look = True
            try:
                self._look()
            finally:
                self._inside_look = False

    def _look(self) -> None:
        try:
            found = find_versions(self._base)
        except OSError as error:
            self._complain(f"there are no versions to be found: {error}")
            return  # What is loaded keeps serving: the folder may come back.
        wanted = self.policy.select(found)
        self._complain(_what_is_missing(self._base, self.policy, wanted))
        self._forget_vanished(found)
        self._unload_superfluous(wanted, found)
        due = [v for v in sorted(wanted, reverse=True) if self._is_due(v, found[v])]
        for version in due:
            if version not in self._failures:
                start = self._status(version, found[version], VersionState.START)
                self._live.set_status(start)
        for version in due:
            if self._live.now.closed:
                return
            self._load(version, found[version])
            self._unload_superfluous(wanted, found)

    def _is_due(self, version: int, folder: Path) -> bool:
        if version in self._live.now.models:
            return False
        failure = self._failures.get(version)
        if failure is None:
            return True
        if failure.files != fingerprint(folder):
            del self._failures[version]
            return True
        return failure.retry_at is not None and time.monotonic() >= failure.retry_at

    def _load(self, version: int, folder: Path) -> None:
        status = self._status(version, folder, VersionState.LOADING)
        status = replace(status, attempts=status.attempts + 1)
        self._live.set_status(status)
        files = fingerprint(folder)  # Before, so that no change is missed.
        try:
            model = load_version(folder, self._options)
        except Error as error:
            self._fail(status, error, files)
            return
        self._failures.pop(version, None)
        self._live.set_status(
            replace(
                status,
                state=VersionState.AVAILABLE,
                error=None,
                loaded_at=datetime.now(timezone.utc),
            ),
            model,
        )

    def _status(self, version: int, folder: Path, state: VersionState) -> VersionStatus:
        known = self._live.now.statuses.get(version)
        failure = self._failures.get(version)
        return VersionStatus(
            version,
            state,
            folder,
            error=known.error if known else None,
            attempts=failure.attempts if failure else 0,
        )

    def _fail(self, status: VersionStatus, error: Error, files: Fingerprint) -> None:
        # Frames would keep the model in memory for as long as the error lives.
        error.__traceback__ = error.__context__ = error.__cause__ = None
        retry_at = None
        if self._retry_seconds is not None:
            doublings = min(status.attempts - 1, _MAX_DOUBLINGS)
            retry_at = time.monotonic() + self._retry_seconds * 2**doublings
        self._failures[status.version] = _Failure(files, status.attempts, retry_at)
        is_news = str(status.error) != str(error)
        _logger.log(
            logging.WARNING if is_news else logging.DEBUG,
            "%s: version %d is not served: %s",
            *(self._base, status.version, error),
        )
        self._live.set_status(replace(status, state=VersionState.END, error=error))

    def _unload_superfluous(
        self, wanted: frozenset[int], found: dict[int, Path]
    ) -> None:
        for version in superfluous(wanted, found, self._live.now.models):
            self._live.unload(version)

    def _forget_vanished(self, found: dict[int, Path]) -> None:
        for version in self._failures.keys() - found.keys():
            del self._failures[version]
        gone = [
            version
            for version, status in self._live.now.statuses.items()
            if status.state is VersionState.END and version not in found
        ]
        if len(gone) > _MAX_VANISHED:
            self._live.change(lambda catalog: catalog.without(gone[:-_MAX_VANISHED]))

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._complaint:
            _logger.warning("%s", complaint)
        self._complaint = complaint


_managers: WeakSet[VersionManager] = WeakSet()


def _after_fork() -> None:
    for manager in _managers:
        manager.after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _what_is_missing(base: Path, policy: VersionPolicy, wanted: frozenset[int]) -> str:
    if isinstance(policy, SpecificVersions) and wanted != policy.versions:
        numbers = ", ".join(map(str, sorted(policy.versions - wanted)))
        return f"{str(base)!r} lacks versions that are to be served: {numbers}"
    return "" if wanted else f"{str(base)!r} has no folder whose name is a number"
