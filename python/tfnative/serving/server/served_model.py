# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model that is served: its versions, and a batcher for each of their signatures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfnative._batch.batcher import Batcher
from tfnative._batch.source import batched_tensors
from tfnative._model import Model
from tfnative._signature import Signature, TensorSpec
from tfnative._store.model_store import ModelStore
from tfnative._store.versions import VersionState, VersionStatus
from tfnative.errors import FailedPreconditionError, NotFoundError
from tfnative.serving.server.replies import (
    UnavailableVersionError,
    UnknownModelError,
)
from tfnative.serving.server.tracing.asked import begin_batch_spans
from tfnative.serving.types import ModelSpec

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

MakeBatcher = Callable[[Model, str], Batcher | None]
"""None: requests of the signature run by themselves."""


class ServedModel:
    """A model's versions, and how they are asked. Thread-safe.

    Args:
        name: Under which clients know it.
        store: Its versions. It is closed with this.
        make_batcher: Makes a batcher for a signature of a version; None if each request
            runs by itself.
    """

    def __init__(
        self, name: str, store: ModelStore, make_batcher: MakeBatcher | None = None
    ) -> None:
        self.name = name
        self.store = store
        self._make_batcher = make_batcher
        self._lock = threading.Lock()
        self._batchers: dict[tuple[int, str], tuple[Model, Batcher | None]] = {}
        self._closed = False
        self._traces: TracerProvider | None = None
        self._end = store.on_change(self._forget)

    def find(self, spec: ModelSpec) -> tuple[int, Model]:
        """The version that a request is for, and its model.

        Raises:
            NotFoundError: There is no such version or label.
            FailedPreconditionError: It is not available.
        """
        try:
            return self.store.find(spec.version, label=spec.label)
        except NotFoundError:  # Whose words are for who has the folder.
            raise self.not_served(spec) from None
        except FailedPreconditionError:
            text = f"{spec} takes no requests now; {self._known()}"
            raise UnavailableVersionError(text) from None

    def not_served(self, spec: ModelSpec) -> NotFoundError:
        """What is said of a version that there is not."""
        return UnknownModelError(f"{spec} is not served; {self._known()}")

    def batcher(
        self, version: int, model: Model, signature: Signature
    ) -> Batcher | None:
        """For requests of a signature; None if they run by themselves."""
        if self._make_batcher is None:
            return None
        key = version, signature.name
        with self._lock:
            known = self._batchers.get(key)
            if known is None or known[0] is not model:
                if self._closed:
                    raise FailedPreconditionError(f"model {self.name!r} is closed")
                known = model, _try_to_make(self._make_batcher, model, signature)
                if self._traces is not None and known[1] is not None:
                    served = model, self.name, *key
                    begin_batch_spans(self._traces, known[1], *served)
                self._batchers[key] = known
            return known[1]

    def trace_batchers(self, traces: TracerProvider) -> None:
        """Has batchers that are made from now on make spans."""
        self._traces = traces

    def batched(self, version: int, model: Model) -> Model:
        """The model, whose ``predict`` goes through its batchers."""
        return model if self._make_batcher is None else _Batched(self, version, model)

    def batchers(self) -> list[tuple[int, str, Batcher]]:
        """Version, signature, and batcher, of those that there are."""
        with self._lock:
            return [
                (*key, b) for key, (_, b) in self._batchers.items() if b is not None
            ]

    def close(self) -> None:
        """Answers what waits, and lets the versions go."""
        self._end()
        with self._lock:
            self._closed = True
            batchers = [batcher for _, batcher in self._batchers.values()]
        for batcher in batchers:
            if batcher is not None:
                batcher.close()
        self.store.close()

    def _known(self) -> str:
        """The versions and labels that there are, for clients."""
        states = self.store.versions.values()
        versions = ", ".join(f"{each.version} {each.state}" for each in states)
        labels = ", ".join(f"{la}={v}" for la, v in sorted(self.store.labels.items()))
        return f"it has versions: {versions or 'none'}; and labels: {labels or 'none'}"

    def _forget(self, version: int, status: VersionStatus) -> None:
        """Closes the batchers of a version that is gone; what waits is answered."""
        if status.state not in (VersionState.UNLOADING, VersionState.END):
            return
        with self._lock:
            gone = [key for key in self._batchers if key[0] == version]
            batchers = [self._batchers.pop(key)[1] for key in gone]
        for batcher in batchers:
            if batcher is not None:
                batcher.close()


def _try_to_make(
    make: MakeBatcher, model: Model, signature: Signature
) -> Batcher | None:
    """None for signatures of which nothing can be batched."""
    if signature.batch_sizes and not signature.rows_independent:
        return None
    tensors = batched_tensors(model, signature)
    return make(model, signature.name) if all(map(_has_rows, tensors)) else None


def _has_rows(spec: TensorSpec) -> bool:
    """Whether it has rows of a known size: a batch of strings, or more, cannot be."""
    if not spec.shape or spec.dtype == np.dtype(object):
        return False
    return spec.shape[0] == -1 and -1 not in spec.shape[1:]


class _Batched(Model):
    """A model whose calls are batched."""

    def __init__(self, served: ServedModel, version: int, model: Model) -> None:
        self._served = served
        self._version = version
        self._model = model
        self.path = model.path
        self.signatures: Mapping[str, Signature] = model.signatures

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def assets(self) -> Mapping[str, Any]:
        return self._model.assets

    def signature(self, name: str | None = None) -> Signature:
        return self._model.signature(name)

    def predict(
        self, inputs: Any, /, *, signature: str | None = None, out: Any = None
    ) -> Any:
        found = self._model.signature(signature)
        batcher = self._served.batcher(self._version, self._model, found)
        if batcher is None or out is not None:
            return self._model.predict(inputs, signature=found.name, out=out)
        try:
            return batcher.predict(inputs)
        except FailedPreconditionError:
            if not batcher.closed:
                raise
            # Its version has been replaced meanwhile; the model is still here.
            return self._model.predict(inputs, signature=found.name)


def not_found(name: str) -> NotFoundError:
    """What TensorFlow Serving says of a model that it does not have."""
    return UnknownModelError(f"Servable not found for request: Latest({name})")
