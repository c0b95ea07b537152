# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a store serves, as it changes; and who waits for that."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tfnative._store.catalog import Catalog
from tfnative._store.versions import VersionState, VersionStatus
from tfnative.errors import DeadlineExceededError, Error

if TYPE_CHECKING:
    from pathlib import Path

    from tfnative._model import Model

OnChange = Callable[[int, VersionStatus], object]

OnModel = Callable[["Model"], object]

_logger = logging.getLogger("tfnative.model_store")
_NEWS = (VersionState.AVAILABLE, VersionState.END)


class LiveCatalog:
    """Holds the catalog of a store.

    All methods may be called from any number of threads at once.

    Args:
        base: The folder of the versions.

    Attributes:
        now: What is served now. It is read without a lock.
    """

    def __init__(self, base: Path) -> None:
        self.now = Catalog(base)
        self._callbacks: tuple[OnChange, ...] = ()
        self._changing = threading.Condition()  # Guards writing of both.
        self._followers: list[Follower] = []
        # Guards followers, and the order in which they are told.
        self._telling = threading.RLock()

    def after_fork(self) -> None:
        """In a child of fork: ends what threads of the parent were about to do."""
        self._changing = threading.Condition()
        self._telling = threading.RLock()
        for status in list(self.now.statuses.values()):
            if status.state not in (VersionState.AVAILABLE, VersionState.END):
                ended = replace(status, state=VersionState.END)
                self.now = self.now.with_status(ended, None)

    def change(self, function: Callable[[Catalog], Catalog]) -> None:
        """Replaces the catalog by what the function makes of it."""
        with self._changing:
            self.now = function(self.now)
            self._changing.notify_all()
        self._tell_followers()

    def set_status(self, status: VersionStatus, model: Model | None = None) -> None:
        """Changes the state of a version, and tells those who want to know.

        A version that is already unloaded is not unloaded again; and in a closed store,
        versions can only end.

        Args:
            status: The new one.
            model: The version's model, in state AVAILABLE.
        """
        with self._changing:
            known = self.now.statuses.get(status.version)
            state = known.state if known else VersionState.END
            if status.state is VersionState.UNLOADING:
                if state is not VersionState.AVAILABLE:
                    return
            elif self.now.closed:
                if state is VersionState.END:
                    return
                status, model = replace(status, state=VersionState.END), None
            self.now = self.now.with_status(status, model)
            self._changing.notify_all()
            callbacks = self._callbacks
        self._tell_followers()
        is_news = status.state in _NEWS and status.error is None
        level = logging.INFO if is_news else logging.DEBUG
        _logger.log(level, "%s: version %s", self.now.base, status)
        for callback in callbacks:
            try:
                callback(status.version, status)
            except Exception:
                _logger.exception("a callback failed for version %s", status)

    def unload(self, version: int) -> None:
        """Lets go of a version."""
        status = self.now.statuses[version]
        users = self.now.users_of(version)
        if users and not self.now.closed:
            _logger.warning(
                "%s: version %d is unloaded, but in use by %s",
                *(self.now.base, version, ", ".join(users)),
            )
        self.set_status(replace(status, state=VersionState.UNLOADING))
        self.set_status(replace(status, state=VersionState.END))

    def close(self) -> None:
        """Lets go of all versions; no other one becomes available."""
        self.change(lambda catalog: replace(catalog, closed=True))
        for version, status in list(self.now.statuses.items()):
            if status.state is VersionState.AVAILABLE:
                self.unload(version)
            else:
                self.set_status(replace(status, state=VersionState.END))

    def wait(self, version: int | None, timeout: float | None) -> Model:
        """Waits until the version, or any one, is available, and returns its model.

        Raises:
            DeadlineExceededError: It is not in ``timeout`` seconds.
            FailedPreconditionError: The store is closed.
        """

        def reached() -> Model | None:
            self.now.check_open()
            models = self.now.models
            newest = max(models, default=None) if version is None else version
            return None if newest is None else models.get(newest)

        with self._changing:
            model = self._changing.wait_for(reached, timeout)
        if model is None:
            what = "no version was" if version is None else f"version {version} was not"
            raise DeadlineExceededError(
                f"{what} available within {timeout} seconds; {self.now.describe()}"
            )
        return model

    def add_callback(self, callback: OnChange) -> None:
        """Has it called after each change of a version's state."""
        with self._changing:
            self._callbacks += (callback,)

    def remove_callback(self, callback: OnChange) -> None:
        """Has it called no more. If it was added several times, removes one."""
        with self._changing:
            callbacks = list(self._callbacks)
            if callback in callbacks:
                callbacks.remove(callback)
            self._callbacks = tuple(callbacks)

    def add_follower(self, label: str | None, function: OnModel) -> Callable[[], None]:
        """Has it told of the model that the label stands for; returns what ends that.

        Raises:
            NotFoundError, FailedPreconditionError: As ``Catalog.find``.
        """
        self.now.find(None, label)
        follower = Follower(label, function)
        with self._telling:
            self._followers.append(follower)
            follower.look(self.now)

        def end() -> None:
            with self._telling:
                if follower in self._followers:
                    self._followers.remove(follower)

        return end

    def _tell_followers(self) -> None:
        with self._telling:
            for follower in tuple(self._followers):
                follower.look(self.now)


class Follower:
    """Somebody who wants to know which model a label stands for.

    Not thread-safe.
    """

    def __init__(self, label: str | None, function: OnModel) -> None:
        self._label = label
        self._function = function
        self._told: weakref.ref[Model] | None = None

    def look(self, catalog: Catalog) -> None:
        """Tells of the model, if it is another one than last time."""
        try:
            model = catalog.find(None, self._label)[1]
        except Error:  # None is available: what was told last is still the best.
            return
        if self._told is not None and self._told() is model:
            return
        self._told = weakref.ref(model)
        try:
            self._function(model)
        except Exception:
            _logger.exception("%s: a follower failed", catalog.base)
