# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A client of TensorFlow Serving for coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from tfnative.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    NotFoundError,
    UnavailableError,
)
from tfnative.serving import calls
from tfnative.serving.async_attempts import AsyncAttempts
from tfnative.serving.base_client import (
    POLL_SECONDS,
    BaseClient,
    describe,
    ready_version,
)
from tfnative.serving.channels.address import is_rest
from tfnative.serving.channels.async_grpc_channel import AsyncGrpcChannel
from tfnative.serving.channels.async_rest_channel import AsyncRestChannel
from tfnative.serving.deadlines import is_over
from tfnative.serving.endpoints import Endpoint, Endpoints
from tfnative.serving.packages import missing
from tfnative.serving.types import ModelMetadata, ModelSpec, Outputs, ServedVersion

if TYPE_CHECKING:
    from tfnative._examples.results import Classifications
    from tfnative._signature import Signature
    from tfnative.serving.calls import Examples
    from tfnative.serving.channels.protocol import AsyncChannel
    from tfnative.serving.remote_model import AsyncRemoteModel


class AsyncClient(BaseClient):
    """Asks a TensorFlow Serving from coroutines of one event loop.

    Arguments are those of ``Client``, and so are its methods, which are to be awaited.
    A task that is cancelled takes its call back. In another event loop than that of the
    first call, calls raise ``FailedPreconditionError``.
    """

    def __init__(self, address: str | Sequence[str], **options: Any) -> None:
        super().__init__(address, **options)
        endpoints = [
            Endpoint(each, self._connect(each), self._options.breaker)
            for each in self.addresses
        ]
        attempts = AsyncAttempts(Endpoints(endpoints), self._options)
        traces = self._traces
        self._attempts = attempts if traces is None else traces.async_attempts(attempts)
        self.closed = False

    def _connect(self, address: str) -> AsyncChannel:
        kind = AsyncRestChannel if is_rest(address) else AsyncGrpcChannel
        try:
            channel: AsyncChannel = kind(address, self._options)
        except ModuleNotFoundError as error:
            raise missing(error) from error
        traces = self._traces
        return channel if traces is None else traces.async_channel(channel, address)

    async def predict(
        self,
        model: str,
        inputs: Mapping[str, npt.ArrayLike],
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        output_filter: Sequence[str] = (),
        timeout: float | None = None,
    ) -> Outputs:
        """See ``Client.predict``."""
        spec = ModelSpec(model, version, label, signature)
        deadline = self._deadline(timeout)
        known = None
        if self._needs_signatures:
            known = await self._signature(spec, deadline)
        call = calls.predict(spec, inputs, output_filter, known)
        return await self._attempts.run(call, deadline)

    async def classify(
        self,
        model: str,
        examples: Examples,
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        context: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Classifications:
        """See ``Client.classify``."""
        spec = ModelSpec(model, version, label, signature)
        call = calls.classify(spec, examples, context)
        return await self._attempts.run(call, self._deadline(timeout))

    async def regress(
        self,
        model: str,
        examples: Examples,
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        context: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> npt.NDArray[Any]:
        """See ``Client.regress``."""
        spec = ModelSpec(model, version, label, signature)
        call = calls.regress(spec, examples, context)
        return await self._attempts.run(call, self._deadline(timeout))

    async def multi_inference(
        self,
        model: str,
        examples: Examples,
        tasks: Mapping[str, Literal["classify", "regress"]],
        *,
        version: int | None = None,
        label: str | None = None,
        context: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Classifications | npt.NDArray[Any]]:
        """See ``Client.multi_inference``."""
        spec = ModelSpec(model, version, label)
        call = calls.multi_inference(spec, examples, tasks, context)
        return await self._attempts.run(call, self._deadline(timeout))

    async def metadata(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> ModelMetadata:
        """See ``Client.metadata``."""
        call = calls.metadata(ModelSpec(model, version, label))
        return await self._attempts.run(call, self._deadline(timeout))

    async def status(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> tuple[ServedVersion, ...]:
        """See ``Client.status``."""
        call = calls.versions(ModelSpec(model, version, label))
        return await self._attempts.run(call, self._deadline(timeout))

    async def reload_config(self, config: Any, *, timeout: float | None = None) -> None:
        """See ``Client.reload_config``."""
        await self._attempts.run(calls.reload_config(config), self._deadline(timeout))

    async def model(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> AsyncRemoteModel:
        """See ``Client.model``; what it returns has ``predict`` to be awaited."""
        from tfnative.serving.remote_model import AsyncRemoteModel

        found = await self.metadata(
            model, version=version, label=label, timeout=timeout
        )
        spec = ModelSpec(model, version, label)
        return AsyncRemoteModel(self, spec, found.signatures, timeout)

    async def wait_until_ready(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> int:
        """See ``Client.wait_until_ready``."""
        spec = ModelSpec(model, version, label)
        deadline = self._deadline(timeout)
        last: object = "nothing"
        while True:
            try:
                found = await self._attempts.run(calls.versions(spec), deadline)
                if (ready := ready_version(found)) is not None:
                    return ready
                last = describe(found)
            except (NotFoundError, UnavailableError, FailedPreconditionError) as error:
                last = error
            except DeadlineExceededError:
                break
            if is_over(deadline, POLL_SECONDS):
                break
            await asyncio.sleep(POLL_SECONDS)
        raise DeadlineExceededError(f"{spec} is not ready: {last}")

    async def close(self) -> None:
        """Closes the connections. Calls on their way fail. May be called again."""
        attempts = self._attempts
        self.closed = True
        await attempts.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<tfnative.serving.AsyncClient of {', '.join(self.addresses)}>"

    async def _signature(self, spec: ModelSpec, deadline: float | None) -> Signature:
        key, name = self._signature_key(spec)
        if (key, name) not in self._metadata:
            found = await self._attempts.run(calls.metadata(key), deadline)
            self._metadata[key, name] = self._named(found, spec, name)
        return self._metadata[key, name]
