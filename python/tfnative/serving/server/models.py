# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models as they are configured: opened, changed, and closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._backends.options import LoadOptions
from tfnative._batch.batcher import Batcher
from tfnative._batch.options import read_batching_parameters
from tfnative._batch.scheduler import BatchScheduler
from tfnative._core import parse_batching_parameters
from tfnative._model import Model
from tfnative._store.model_store import ModelStore
from tfnative.errors import FailedPreconditionError
from tfnative.serving.server.batch_plan import batch_threads, planned
from tfnative.serving.server.config import ModelSettings
from tfnative.serving.server.reload_rules import ReloadRules
from tfnative.serving.server.replies import UnavailableVersionError
from tfnative.serving.server.served_model import MakeBatcher, ServedModel
from tfnative.serving.server.tracing.asked import traced_batcher
from tfnative.serving.server.warmup import run_warmup_requests

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

BeforeLoad = Callable[[Path], object]


@dataclass(frozen=True)
class OpenOptions:
    """How models are opened.

    Attributes:
        poll_seconds: How often to look for new versions; None for never.
        batching_parameters_file: TensorFlow Serving's; None if each request runs by
            itself, unless ``enable_batching``. What it does not say of threads and of
            the size of batches is chosen from what batches take.
        enable_batching: Whether to batch requests also without such a file.
        load: How versions are loaded, as far as ``ModelStore`` can be told.
        strict_permissions: As for ``ModelStore``.
        traces: Who takes spans, a ``TracerProvider`` of OpenTelemetry; None for nobody.
    """

    poll_seconds: float | None = 1.0
    batching_parameters_file: str | None = None
    enable_batching: bool = False
    load: LoadOptions = field(default_factory=LoadOptions)
    strict_permissions: bool = False
    traces: TracerProvider | None = None


class Opener:
    """Opens models, and keeps the threads that their batches share."""

    def __init__(self, options: OpenOptions) -> None:
        self._options = options
        self._make_batcher: MakeBatcher | None = None
        path = options.batching_parameters_file
        if path is None and not options.enable_batching:
            return
        found, threads, name = (
            parse_batching_parameters("")
            if path is None
            else read_batching_parameters(path)
        )
        per_call = options.load.threads
        threads = threads or batch_threads(
            per_call if isinstance(per_call, int) else per_call.threads
        )
        scheduler = BatchScheduler(threads, thread_pool_name=name)
        kind = Batcher if options.traces is None else traced_batcher()

        def make(model: Model, signature: str) -> Batcher | None:
            planned_ = planned(found, model, model.signatures[signature])
            if planned_ is None:
                return None
            return kind._from_options(planned_, model, signature, scheduler)

        self._make_batcher = make

    def open(
        self, settings: ModelSettings, before_load: BeforeLoad | None = None
    ) -> ServedModel:
        """Loads a model's versions.

        Args:
            settings: Which.
            before_load: See ``ModelStore``.

        Raises:
            NotFoundError: There are none.
            LoadError: None can be loaded.
        """
        try:
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
                before_load=before_load,
                on_load=run_warmup_requests,
            )
        except FailedPreconditionError as error:
            if before_load is None or not settings.labels:
                raise
            # A client sent them, and its words alone are for it: the error's have more.
            raise UnavailableVersionError(
                f"model {settings.name!r}: labels must stand for versions that are"
                f" available, got {dict(settings.labels)}"
            ) from error
        traces = self._options.traces
        served = ServedModel(settings.name, store, self._make_batcher)
        if traces is not None:
            served.trace_batchers(traces)
        return served

    def open_all(
        self,
        all_settings: Mapping[str, ModelSettings],
        before_load: BeforeLoad | None = None,
    ) -> dict[str, ServedModel]:
        """Loads all, or none: those that were opened are closed if one cannot be."""
        opened: dict[str, ServedModel] = {}
        try:
            for name, settings in all_settings.items():
                opened[name] = self.open(settings, before_load)
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
        rules: ReloadRules,
    ) -> tuple[dict[str, ServedModel], list[ServedModel]]:
        """The models to serve from now on, and those to close.

        Models whose settings are the same stay; of others, new ones are opened first.

        Raises:
            PermissionDeniedError: The rules are against one of those.
            Error: One cannot be opened. Nothing has changed then.
        """
        same = {name for name in after if before.get(name) == after[name]}
        others = {n: s for n, s in after.items() if n not in same}
        for settings in others.values():
            rules.check_model(settings)
        opened = self.open_all(others, rules.check_version)
        gone = [served for name, served in known.items() if name not in same]
        return {**{name: known[name] for name in same}, **opened}, gone
