# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Serves a model whose versions come and go, as TensorFlow Serving does."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from tfnative._base.initialized import Initialized
from tfnative._core import ThreadPool
from tfnative._model import Model
from tfnative._store import arguments
from tfnative._store.catalog import check_version
from tfnative._store.live_catalog import LiveCatalog
from tfnative._store.poller import Poller
from tfnative._store.traffic import Split
from tfnative._store.version_loader import VersionOptions
from tfnative._store.version_manager import VersionManager
from tfnative._store.versions import Latest
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

    from tfnative._backends.options import Backend
    from tfnative._base.options.kinds import Paths
    from tfnative._store.live_catalog import OnChange, OnModel
    from tfnative._store.traffic import Key, Target
    from tfnative._store.versions import VersionPolicy, VersionStatus

_logger = logging.getLogger("tfnative.model_store")
_CLOSE_SECONDS = 10.0


class ModelStore(Initialized):
    """Serves the versions of a model in a folder, while new ones arrive.

        store = tfnative.ModelStore("models/digits", policy=tfnative.Latest(2))
        probabilities = store.predict(images)

    The folder has TensorFlow Serving's layout: ``models/digits/1``, ``models/digits/2``
    and so on, each an artifact's folder, or, with another backend than "native", a
    SavedModel's. A new version is loaded, tested and warmed up
    before it takes requests, and before the one that it replaces is unloaded. If that
    fails, the old one keeps serving.

    All methods may be called from any number of threads at once. ``model``, ``predict``
    and ``route`` take no lock, and never wait for a version that is being loaded. In a
    child of fork, versions that were loaded serve on, but the folder is looked at only
    when ``poll`` is called.

    Args:
        base_path: The folder of the versions.
        policy: Which versions to serve: ``Latest(n)``, ``AllVersions()``, or
            ``SpecificVersions(3, 5)``.
        labels: As for ``set_labels``.
        poll_seconds: How often a thread looks for changes. None: never, there is no
            thread; ``poll`` does.
        threads: How many threads work on one call, or a pool of them. All versions
            share them.
        cpu_level: As for ``load``.
        backend: What runs versions that are SavedModels, as for ``load``: "auto" or
            "tensorflow". Artifacts are run natively in any case. Default: SavedModels
            cannot be loaded.
        map_in_place: As for ``load``, like ``trusted_keys``.
        trusted_keys: Versions that none of these keys has signed are not served; nor
            are SavedModels, then, which are not signed.
        strict_permissions: Whether versions are not served if another user than this
            one and root can change their files, or put others in their place.
        selftest: Whether a version that is an artifact has to pass ``selftest`` on the
            CPU level that it will run on.
        warmup: Whether to warm a version up before it takes requests.
        before_load: Called with a version's folder before anything of it is read or
            run, as to see where it comes from. If that raises an error, the version is
            not loaded.
        on_load: Called with a version's model and its folder before it takes requests,
            as to send it some. If that raises an error, the version is not served.
        retry_seconds: How long to wait before a version that failed is tried again
            although its files have not changed; doubled each time, up to 64 times as
            long. None: it is tried again only when its files change.
        allow_empty: Whether there may be no version to serve at first.
        allow_unavailable_labels: Whether a label that is new may stand for a version
            that is not available yet.

    Raises:
        InvalidArgumentError: An argument is none of the above.
        NotFoundError: The folder has no version, and ``allow_empty`` is not set.
        LoadError: It has, but none of those that the policy selects could be loaded,
            and ``allow_empty`` is not set.
        FailedPreconditionError: A label stands for a version that is not available, and
            ``allow_unavailable_labels`` is not set.
    """

    def __init__(
        self,
        base_path: str | os.PathLike[str],
        *,
        policy: VersionPolicy | None = None,
        labels: Mapping[str, int] | None = None,
        poll_seconds: float | None = 1.0,
        threads: int | ThreadPool = 1,
        cpu_level: str | None = None,
        backend: Backend | None = None,
        map_in_place: bool = False,
        trusted_keys: Paths | None = None,
        strict_permissions: bool = False,
        selftest: bool = True,
        warmup: bool = True,
        before_load: Callable[[Path], object] | None = None,
        on_load: Callable[[Model, Path], object] | None = None,
        retry_seconds: float | None = 60.0,
        allow_empty: bool = False,
        allow_unavailable_labels: bool = False,
    ) -> None:
        self._live = LiveCatalog(arguments.path(base_path))
        self._manager = VersionManager(
            self._live,
            arguments.policy(Latest() if policy is None else policy),
            VersionOptions(
                arguments.load_options(
                    threads, cpu_level, backend, map_in_place, trusted_keys
                ),
                bool(selftest),
                bool(warmup),
                on_load,
                before_load,
                bool(strict_permissions),
            ),
            arguments.seconds("retry_seconds", retry_seconds),
        )
        self._allow_unavailable_labels = allow_unavailable_labels
        self._poller: Poller | None = None
        poll_seconds = arguments.seconds("poll_seconds", poll_seconds)
        self._manager.look()
        if not allow_empty:
            self._manager.check_not_empty()
        if labels is not None:
            self.set_labels(labels)
        if poll_seconds is not None:
            self._poller = Poller(self._poll_quietly, poll_seconds, "tfnative-poll")

    def model(self, version: int | None = None, *, label: str | None = None) -> Model:
        """The model of a version, of a label, or of the newest available version.

        It stays usable for as long as somebody holds it, even when the store has
        unloaded it. Do not close it: others may be using it.

        Args:
            version: The version's number.
            label: The version's label.

        Raises:
            NotFoundError: There is no such version or label. The message lists them.
            FailedPreconditionError: It is not available, or the store is closed.
            InvalidArgumentError: Both are given, or of a wrong type.
        """
        return self.find(version, label=label)[1]

    def find(
        self, version: int | None = None, *, label: str | None = None
    ) -> tuple[int, Model]:
        """As ``model``, with the version's number before it."""
        return self._live.now.find(version, label)

    def route(self, key: Key | None = None) -> tuple[int, Model]:
        """The version that takes a request, as ``split`` has it, and its model.

        Args:
            key: What stays with one version: the name or number of a user, say. The
                same text, bytes or number gives the same version in every process.
                Default: any version, at random.

        Raises:
            FailedPreconditionError: None is available, or the store is closed.
            InvalidArgumentError: The key is neither a str, nor bytes, nor an int.
        """
        return self._live.now.route(key)

    def predict(
        self,
        inputs: Any,
        *,
        version: int | None = None,
        label: str | None = None,
        key: Key | None = None,
        signature: str | None = None,
        out: Any = None,
    ) -> Any:
        """Runs a version of the model.

        Args:
            inputs: As for ``Model.predict``, like ``signature`` and ``out``.
            version: The number of the version to run.
            label: Its label.
            key: As for ``route``, which chooses the version where neither is given.
            signature: Name of the signature.
            out: Where to write.

        Raises:
            NotFoundError: There is no such version or label. The message lists them.
            FailedPreconditionError: It is not available, or the store is closed.
            InvalidArgumentError: More than one of ``version``, ``label`` and ``key`` is
                given; or as ``Model.predict``, whose other errors it raises, too.
        """
        catalog = self._live.now
        if version is None and label is None:
            model = catalog.route(key)[1]
        elif key is None:
            model = catalog.find(version, label)[1]
        else:
            raise InvalidArgumentError(
                "give a key, or a version or label, not both; got key "
                f"{key!r}, version {version!r} and label {label!r}"
            )
        return model.predict(inputs, signature=signature, out=out)

    @property
    def base_path(self) -> Path:
        """The folder of the versions."""
        return self._live.now.base

    @property
    def versions(self) -> Mapping[int, VersionStatus]:
        """Each known version and where it stands, ascending; as it is now."""
        return MappingProxyType(self._live.now.statuses)

    @property
    def labels(self) -> Mapping[str, int]:
        """The version of each label; as it is now."""
        return MappingProxyType(self._live.now.labels)

    @property
    def weights(self) -> Mapping[Target, float] | None:
        """How requests are divided; None if the newest version takes all of them."""
        split = self._live.now.split
        return None if split is None else MappingProxyType(split.weights)

    @property
    def policy(self) -> VersionPolicy:
        """Which versions are served."""
        return self._manager.policy

    def set_labels(self, labels: Mapping[str, int]) -> None:
        """Replaces all labels at once.

        Args:
            labels: The version of each label.

        Raises:
            FailedPreconditionError: A version is not available. If the store allows
                labels on unavailable versions, only those that are not in use for
                another version. Or the split needs a label that is not among them; or
                the store is closed.
            InvalidArgumentError: It is no dict of versions by label.
        """
        checked = arguments.labels(labels)
        allow = self._allow_unavailable_labels
        self._live.change(lambda catalog: catalog.with_labels(checked, allow))

    def split(self, weights: Mapping[Target, float] | None) -> None:
        """Divides requests that name no version or label among several.

        Requests with the same key go to the same target for as long as weights stay the
        same. When one changes, keys move to its target or from it, no more of them than
        have to. A target whose version is unloaded later is left out, and its requests
        are divided among the others.

        Args:
            weights: By label or version. Not negative; their sum need not be 1. None:
                the newest version takes all requests.

        Raises:
            NotFoundError: There is no such version or label.
            FailedPreconditionError: It is not available, or the store is closed.
            InvalidArgumentError: It is no dict, or a weight is negative or not finite,
                or none is positive.
        """
        split = None if weights is None else Split.of(weights)
        self._live.change(lambda catalog: catalog.with_split(split))

    def set_policy(self, policy: VersionPolicy) -> None:
        """Replaces the policy; the next look at the folder follows it.

        Raises:
            InvalidArgumentError: It is none.
        """
        self._manager.policy = arguments.policy(policy)

    def on_change(self, callback: OnChange) -> Callable[[], None]:
        """Calls back with ``(version, status)`` whenever a version's state has changed.

        The thread that looks at the folder, or closes the store, calls back when
        lookups already give what has changed, and goes on when the callback returns.
        A callback may use the store; ``poll`` does nothing in it. What it raises is
        logged.

        Returns:
            A function that ends it.

        Raises:
            InvalidArgumentError: It cannot be called.
        """
        if not callable(callback):
            raise InvalidArgumentError(
                f"callback must be a function of (version, status), got {callback!r}"
            )
        self._live.add_callback(callback)
        return lambda: self._live.remove_callback(callback)

    def follow(
        self, function: OnModel, *, label: str | None = None
    ) -> Callable[[], None]:
        """Calls ``function(model)`` now, and whenever there is another model to serve.

        ``store.follow(batcher.swap)`` keeps a batcher on the newest version, and
        ``store.follow(batcher.swap, label="stable")`` on that of a label, through new
        versions and moved labels. When no version is available, nothing is called. What
        the function raises is logged; it is called by whoever changed something.

        Args:
            function: What to call.
            label: Whose model. Default: the newest available version's.

        Returns:
            A function that ends it.

        Raises:
            NotFoundError: There is no such label.
            FailedPreconditionError: No model is available now, or the store is closed.
            InvalidArgumentError: ``function`` cannot be called.
        """
        if not callable(function):
            raise InvalidArgumentError(
                f"function must be a function of a model, got {function!r}"
            )
        return self._live.add_follower(label, function)

    def wait_until_available(
        self, version: int | None = None, timeout: float | None = None
    ) -> Model:
        """Waits for a version, and returns its model.

        It does not look at the folder itself: the store's thread does, or whoever calls
        ``poll``.

        Args:
            version: Its number. Default: any version.
            timeout: How many seconds to wait at most. Default: for ever.

        Raises:
            DeadlineExceededError: It is not available in time. The message says why.
            FailedPreconditionError: The store is closed.
            InvalidArgumentError: An argument is of a wrong type, or negative.
        """
        if version is not None:
            version = check_version(version)
        arguments.seconds("timeout", timeout, or_zero=True)
        return self._live.wait(version, timeout)

    def poll(self) -> None:
        """Looks at the folder now: loads what is new, and unloads what is gone.

        Returns when it is done, or at once in a callback of ``on_change``. A version
        that cannot be loaded raises nothing: ``versions`` has the error.

        Raises:
            FailedPreconditionError: The store is closed.
        """
        self._live.now.check_open()
        self._manager.look()

    def close(self) -> None:
        """Lets go of all versions, and ends the thread. May be called again.

        Requests in flight end as if nothing had happened. A version that is being
        loaded is waited for, for some seconds at most.
        """
        self._live.close()
        if self._poller is not None:
            self._poller.stop(_CLOSE_SECONDS)

    def __enter__(self) -> ModelStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a ModelStore cannot be pickled: make one in each process, or pickle "
            "store.model()"
        )

    def __repr__(self) -> str:
        catalog = self._live.now
        if catalog.closed:
            return f"<tfnative.ModelStore of {str(catalog.base)!r}, closed>"
        available = ", ".join(map(str, catalog.models)) or "none"
        return f"<tfnative.ModelStore of {str(catalog.base)!r}: {available} available>"

    def _poll_quietly(self) -> None:
        try:
            self._manager.look()
        except Exception:
            _logger.exception("looking at %s failed", self._live.now.base)
