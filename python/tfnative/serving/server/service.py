# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a server does for each call, whoever brought it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy.typing as npt

from tfnative._examples.results import Classifications
from tfnative._model import Model
from tfnative._signature import Signature
from tfnative.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
)
from tfnative.serving.server.budget import ByteBudget, Share
from tfnative.serving.server.input_rules import InputRules, RequestInputs
from tfnative.serving.server.lanes import Lanes, bytes_of
from tfnative.serving.server.limits import MAX_INFLIGHT_BYTES, MAX_REQUEST_BYTES
from tfnative.serving.server.request_metrics import RequestMetrics
from tfnative.serving.server.served_model import ServedModel, not_found
from tfnative.serving.server.tracing.rows import rows_of
from tfnative.serving.types import ModelSpec, Outputs, ServedVersion, ServingState

if TYPE_CHECKING:
    from tfnative.serving.server.tracing.requests import ServerTraces

T = TypeVar("T")

DEFAULT_SIGNATURE = "serving_default"
UNKNOWN_MODEL = "(unknown)"
"""Under which requests for models are counted that there are not."""


class Service:
    """Models by name, and what can be asked of them.

    Methods are to be awaited in one event loop; they raise errors of tfnative.

    Args:
        models: By name. They may be exchanged while it serves.
        executor: For what waits.
        max_request_bytes: How much memory the inputs of a request may take.
        max_inflight_bytes: How many bytes all requests may have at once.
        traces: Makes spans; None for no traces.

    Attributes:
        requests: Counts them.
        budget: The bytes of requests.
        lanes: Threads for requests, by how large they are.
    """

    def __init__(
        self,
        models: Mapping[str, ServedModel],
        executor: Executor,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        max_inflight_bytes: int = MAX_INFLIGHT_BYTES,
        traces: ServerTraces | None = None,
    ) -> None:
        self._models = dict(models)
        self._callbacks: list[Callable[[], object]] = []
        self._ends = [self._follow(served) for served in self._models.values()]
        self.requests = RequestMetrics()
        self.budget = ByteBudget(max_inflight_bytes)
        self.lanes = Lanes(executor)
        self._max_request_bytes = max_request_bytes
        self._traces = traces

    @property
    def models(self) -> Mapping[str, ServedModel]:
        """Those that are served now."""
        return self._models

    @models.setter
    def models(self, models: Mapping[str, ServedModel]) -> None:
        for end in self._ends:
            end()
        self._models = dict(models)
        self._ends = [self._follow(served) for served in self._models.values()]
        self.tell()

    def on_change(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Calls back, from any thread, when models or their versions have changed.

        Returns:
            A function that ends it.
        """
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def timed(
        self, model: str, api: str, entrypoint: str
    ) -> AbstractContextManager[None]:
        """Counts a request while it is answered; see ``RequestMetrics.timed``."""
        # Whatever clients ask for must not become a series each.
        known = model if model in self.models else UNKNOWN_MODEL
        return self.requests.timed(known, api, entrypoint)

    async def predict(
        self,
        spec: ModelSpec,
        inputs: RequestInputs,
        wanted: Sequence[str] = (),
        timeout: float | None = None,
    ) -> tuple[ModelSpec, Outputs]:
        """Runs a signature. Inputs become arrays once they are known to fit it.

        Returns:
            The version that ran, and the outputs that are wanted.
        """
        served = self.served(spec)
        version, model = served.find(spec)
        signature = self._signature(model, spec)
        for name in wanted:
            if name not in signature.outputs:
                raise InvalidArgumentError(
                    f"output tensor alias not found in signature: {name} Outputs"
                    f" expected to be in the set {{{','.join(signature.outputs)}}}."
                )
        batcher = served.batcher(version, model, signature)
        rules = InputRules.of(model, signature, batcher, self._max_request_bytes)
        with self.budget.share() as share:
            make = partial(_arrays, inputs, rules, share)
            arrays = await self.lanes.run(inputs.size_bytes, make)
            call: Callable[[], Outputs] = partial(
                model.predict, arrays, signature=signature.name
            )
            if self._traces is not None:
                rows = rows_of(arrays, signature)
                call = self._traces.computing(
                    call, model, spec.name, version, signature.name, rows
                )
            run = partial(self.lanes.run_in_thread, bytes_of(arrays), call)
            if batcher is None:
                outputs = await run()
            else:
                try:
                    outputs = await batcher.predict_async(arrays, timeout=timeout)
                except FailedPreconditionError:
                    if not batcher.closed:
                        raise
                    # Its version has been replaced meanwhile; the model is still here.
                    outputs = await run()
        if wanted:
            outputs = {name: outputs[name] for name in wanted}
        return ModelSpec(spec.name, version, signature=signature.name), outputs

    async def classify(
        self, spec: ModelSpec, examples: Any, context: Mapping[str, Any] | None = None
    ) -> tuple[ModelSpec, Classifications]:
        """Classes and scores of examples."""
        version, model = self._batched(spec)
        name = spec.signature
        call = partial(model.classify, examples, signature=name, context=context)
        found = await self._run(call, model, spec, version, len(examples))
        return ModelSpec(spec.name, version, signature=name), found

    async def regress(
        self, spec: ModelSpec, examples: Any, context: Mapping[str, Any] | None = None
    ) -> tuple[ModelSpec, npt.NDArray[Any]]:
        """A number for each example."""
        version, model = self._batched(spec)
        name = spec.signature
        call = partial(model.regress, examples, signature=name, context=context)
        found = await self._run(call, model, spec, version, len(examples))
        return ModelSpec(spec.name, version, signature=name), found

    async def multi_inference(
        self,
        tasks: Sequence[tuple[ModelSpec, Literal["classify", "regress"]]],
        examples: Any,
    ) -> tuple[ModelSpec, dict[str, Classifications | npt.NDArray[Any]]]:
        """Classifies and regresses the same examples."""
        if not tasks:
            raise InvalidArgumentError("Inference request must have at least one task")
        first = tasks[0][0]
        if any(_model_of(spec) != _model_of(first) for spec, _ in tasks):
            raise InvalidArgumentError(
                "All ModelSpecs in a MultiInferenceRequest must access the same model"
            )
        named = {spec.signature or DEFAULT_SIGNATURE: method for spec, method in tasks}
        if len(named) != len(tasks):
            raise InvalidArgumentError("Duplicate evaluation of a signature")
        version, model = self._batched(first)
        call = partial(model.multi_inference, examples, named)
        found = await self._run(call, model, first, version, len(examples))
        return ModelSpec(first.name, version), found

    def signature(self, spec: ModelSpec) -> Signature:
        """The signature that is meant."""
        return self._signature(self.served(spec).find(spec)[1], spec)

    def metadata(self, spec: ModelSpec) -> tuple[int, Mapping[str, Signature]]:
        """The version that is meant, and its signatures."""
        version, model = self.served(spec).find(spec)
        return version, model.signatures

    def status(self, spec: ModelSpec) -> list[ServedVersion]:
        """Where the versions of a model stand, the newest first."""
        served = self.served(spec)
        known = served.store.versions
        numbers = sorted(known, reverse=True)
        if spec.label is not None:
            numbers = [served.find(spec)[0]]
        elif spec.version is not None:
            if spec.version not in known:
                raise served.not_served(spec)
            numbers = [spec.version]
        return [
            ServedVersion(
                number, ServingState(str(known[number].state)), known[number].error
            )
            for number in numbers
        ]

    def served(self, spec: ModelSpec) -> ServedModel:
        """The model of that name.

        Raises:
            NotFoundError: There is none.
        """
        served = self.models.get(spec.name)
        if served is None:
            raise not_found(spec.name)
        return served

    def close(self) -> None:
        """Answers what waits, and lets all models go."""
        for served in self.models.values():
            served.close()
        self.lanes.close()

    # --- Helpers ----------------------------------------------------------------------

    def _follow(self, served: ServedModel) -> Callable[[], None]:
        return served.store.on_change(lambda *_: self.tell())

    def tell(self) -> None:
        """Calls back whoever wants to know of changes."""
        for callback in tuple(self._callbacks):
            callback()

    def _batched(self, spec: ModelSpec) -> tuple[int, Model]:
        served = self.served(spec)
        version, model = served.find(spec)
        if spec.signature is not None:
            self._signature(model, spec)
        return version, served.batched(version, model)

    @staticmethod
    def _signature(model: Model, spec: ModelSpec) -> Signature:
        name = spec.signature or DEFAULT_SIGNATURE
        if spec.signature is None and name not in model.signatures:
            return model.signature()
        if name not in model.signatures:
            raise InvalidArgumentError(
                f'Serving signature name: "{name}" not found in signature def;'
                f" {spec} has {', '.join(model.signatures)}"
            )
        return model.signatures[name]

    async def _run(
        self,
        call: Callable[[], T],
        model: Model,
        spec: ModelSpec,
        version: int,
        rows: int,
    ) -> T:
        """Has a thread call what reads examples, and computes."""
        if self._traces is not None:
            name = spec.signature or DEFAULT_SIGNATURE
            call = self._traces.reading(call, model, spec.name, version, name, rows)
        return await self.lanes.run_in_thread(0, call)


def _arrays(inputs: RequestInputs, rules: InputRules, share: Share) -> Outputs:
    share.grow(inputs.check(rules))
    try:
        return inputs.arrays()
    except MemoryError:
        raise ResourceExhaustedError(f"{rules.where}: out of memory") from None


def _model_of(spec: ModelSpec) -> tuple[str, int | None, str | None]:
    return spec.name, spec.version, spec.label
