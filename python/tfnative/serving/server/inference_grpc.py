# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The Open Inference Protocol over gRPC: inference.GRPCInferenceService."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc

from tfnative.serving import messages
from tfnative.serving.server import inference_message
from tfnative.serving.server.inference_message import INFERENCE
from tfnative.serving.server.inference_metadata import model_metadata, server_metadata
from tfnative.serving.server.inference_request import spec_of
from tfnative.serving.server.lanes import bytes_of
from tfnative.serving.server.readiness import Readiness
from tfnative.serving.server.service import Service


class InferenceApi(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers the calls of a gRPC server.

    Args:
        service: Who does it.
        readiness: Whether requests are taken.
    """

    def __init__(self, service: Service, readiness: Readiness) -> None:
        self._service = service
        self._readiness = readiness
        handlers: dict[str, Callable[[Any, Any], Awaitable[Any]]] = {
            "ServerLive": self._live,
            "ServerReady": self._ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._metadata,
            "ModelMetadata": self._model_metadata,
        }
        self._handlers = {
            INFERENCE + name: grpc.unary_unary_rpc_method_handler(
                answer,
                getattr(messages, f"{name}Request").FromString,
                getattr(messages, f"{name}Response").SerializeToString,
            )
            for name, answer in handlers.items()
        }
        infer = grpc.unary_unary_rpc_method_handler(self._infer)
        self._handlers[INFERENCE + "ModelInfer"] = infer

    def service(self, handler_call_details: Any) -> Any:
        """See ``grpc.GenericRpcHandler``."""
        return self._handlers.get(handler_call_details.method)

    async def _live(self, _: Any, __: Any) -> Any:
        return messages.ServerLiveResponse(live=True)

    async def _ready(self, _: Any, __: Any) -> Any:
        return messages.ServerReadyResponse(ready=not self._readiness.why_not())

    async def _model_ready(self, request: Any, _: Any) -> Any:
        is_ready = self._readiness.is_ready(spec_of(request.name, request.version))
        return messages.ModelReadyResponse(ready=is_ready)

    async def _metadata(self, _: Any, __: Any) -> Any:
        return messages.ServerMetadataResponse(**server_metadata())

    async def _model_metadata(self, request: Any, _: Any) -> Any:
        spec = spec_of(request.name, request.version)
        return messages.ModelMetadataResponse(**model_metadata(self._service, spec))

    async def _infer(self, message: bytes, context: Any) -> bytes:
        service, size = self._service, len(message)
        read = partial(inference_message.read_request, message)
        request = await service.lanes.run(size, read)
        left, spec, asked = context.time_remaining(), request.spec, request.asked
        with (
            service.timed(spec.name, "ModelInfer", "GRPC"),
            service.budget.share() as share,
        ):
            share.grow(size)
            ran, outputs = await service.predict(spec, asked.inputs, asked.wanted, left)
            write = partial(inference_message.response, request, ran, outputs)
            return await service.lanes.run(bytes_of(outputs), write)
