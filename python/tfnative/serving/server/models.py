# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models as they are configured: opened, changed, and closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tfnative._backends.options import LoadOptions
from tfnative._batch.batcher import Batcher
from tfnative._batch.options import read_batching_parameters
from tfnative._batch.scheduler import BatchScheduler
from tfnative._model import Model
from tfnative._store.model_store import ModelStore
from tfnative.serving.server.config import ModelSettings
from tfnative.serving.server.served_model import MakeBatcher, ServedModel
from tfnative.serving.server.warmup import run_warmup_requests


@dataclass(frozen=True)
class OpenOptions:
    """How models are opened.

    Attributes:
        poll_seconds: How often to look for new versions; None for never.
        batching_parameters_file: TensorFlow Serving's; None if each request runs by
            itself.
        load: How versions are loaded, as far as ``ModelStore`` can be told.
        strict_permissions: As for ``ModelStore``.
    """

    poll_seconds: float | None = 1.0
    batching_parameters_file: str | None = None
    load: LoadOptions = field(default_factory=LoadOptions)
    strict_permissions: bool = False


class Opener:
    """Opens models, and keeps the threads that their batches share."""

    def __init__(self, options: OpenOptions) -> None:
        self._options = options
        self._make_batcher: MakeBatcher | None = None
        path = options.batching_parameters_file
        if path is None:
            return
        _, threads, name = read_batching_parameters(path)
        scheduler = BatchScheduler(threads, thread_pool_name=name)

        def make(model: Model, signature: str) -> Batcher:
            return Batcher.from_text_proto(
                path, model, signature=signature, scheduler=scheduler
            )

        self._make_batcher = make

    def open(self, settings: ModelSettings) -> ServedModel:
        """Loads a model's versions.

        Raises:
            NotFoundError: There are none.
            LoadError: None can be loaded.
        """
        store = ModelStore(
            settings.base_path,
            policy=settings.policy,
            labels=settings.labels or None,
            poll_seconds=self._options.poll_seconds,
            threads=self._options.load.threads,
            backend=self._options.load.backend,
            map_in_place=self._options.load.map_in_place,
            trusted_keys=self._options.load.trusted_keys,
            strict_permissions=self._options.strict_permissions,
            on_load=run_warmup_requests,
        )
        return ServedModel(settings.name, store, self._make_batcher)

    def open_all(
        self, all_settings: Mapping[str, ModelSettings]
    ) -> dict[str, ServedModel]:
        """Loads all, or none: those that were opened are closed if one cannot be."""
        opened: dict[str, ServedModel] = {}
        try:
            for name, settings in all_settings.items():
                opened[name] = self.open(settings)
        except BaseException:
            for served in opened.values():
                served.close()
            raise
        return opened

    def change(
        self,
        known: Mapping[str, ServedModel],
        before: Mapping[str, ModelSettings],
        after: Mapping[str, ModelSettings],
    ) -> tuple[dict[str, ServedModel], list[ServedModel]]:
        """The models to serve from now on, and those to close.

        Models whose settings are the same stay; of others, new ones are opened first.

        Raises:
            Error: One cannot be opened. Nothing has changed then.
        """
        same = {name for name in after if before.get(name) == after[name]}
        opened = self.open_all({n: s for n, s in after.items() if n not in same})
        gone = [served for name, served in known.items() if name not in same]
        return {**{name: known[name] for name in same}, **opened}, gone
