# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Spans of requests over gRPC."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.trace import Span
from opentelemetry.trace.status import Status, StatusCode

from tfnative.serving.server.grpc_interceptors import HEALTH
from tfnative.serving.server.request_id import CURRENT
from tfnative.serving.tracing import names
from tfnative.serving.tracing.spans import fail_with

if TYPE_CHECKING:
    from tfnative.serving.server.tracing.requests import ServerTraces

_OTHER = "_OTHER"
"""What OpenTelemetry calls a method that is not known."""
_UNTRACED = (HEALTH, "/grpc.reflection.")
"""Whose calls come all the time, and are nobody's request."""


class GrpcSpans(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Has a span for each call. It stands around all other interceptors.

    Args:
        traces: Makes them.
    """

    def __init__(self, traces: ServerTraces) -> None:
        self._traces = traces
        # There are as many handlers as methods: each is wrapped once.
        self._wrapped: dict[Any, Any] = {}

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """See ``grpc.aio.ServerInterceptor``."""
        handler = await continuation(details)
        if handler is None or details.method.startswith(_UNTRACED):
            return handler
        if handler.response_streaming:
            return handler  # A conversation, and no request.
        if handler.request_streaming:
            # All that is refused before its method is looked for: see Replies.
            return self._traced(handler, _OTHER, details.method)
        wrapped = self._wrapped.get(handler)
        if wrapped is None:
            wrapped = self._wrapped[handler] = self._traced(handler, details.method)
        return wrapped

    def _traced(self, handler: Any, method: str, original: str = "") -> Any:
        streams = handler.request_streaming
        answer = handler.stream_unary if streams else handler.unary_unary
        name = names.clean(method.lstrip("/"))
        known = {names.RPC_SYSTEM: "grpc", names.RPC_METHOD: name}
        if original:
            known[names.RPC_METHOD_ORIGINAL] = names.clean(original.lstrip("/"))
            name = "grpc"  # A name of a stranger would be one among many.

        async def handle(request: Any, context: Any) -> Any:
            headers = _headers(context.invocation_metadata())
            with self._traces.request(name, headers, known) as span:
                try:
                    found = await answer(request, context)
                except asyncio.CancelledError:
                    span.set_attribute(names.RPC_STATUS, "CANCELLED")
                    raise
                except grpc.aio.AbortError as error:
                    aborted = error  # Which the span would call a mistake.
                    _refused(span, context)
                except grpc.aio.InternalError as error:
                    aborted = error
                    _left(span, context)
                else:
                    span.set_attribute(names.RPC_STATUS, "OK")
                    return found
                finally:
                    span.set_attribute(names.REQUEST_ID, CURRENT.get())
            raise aborted

        make = (
            grpc.stream_unary_rpc_method_handler
            if streams
            else grpc.unary_unary_rpc_method_handler
        )
        return make(handle, handler.request_deserializer, handler.response_serializer)


def _refused(span: Span, context: Any) -> None:
    """Says what the client was told."""
    code = context.code()
    known = {each.value[0]: each.name for each in grpc.StatusCode}
    number = code.value[0] if isinstance(code, grpc.StatusCode) else code
    name = known.get(number, "UNKNOWN")
    details = context.details()
    text = details.decode(errors="replace") if isinstance(details, bytes) else details
    span.set_attribute(names.RPC_STATUS, name)
    if number == 0:  # pragma: no cover - gRPC lets nobody abort so.
        span.set_status(Status(StatusCode.OK))
    else:
        fail_with(span, name, text or name)


def _left(span: Span, context: Any) -> None:
    """Says that there was nobody any more to be told."""
    left = context.time_remaining()
    name = "CANCELLED" if left is None or left > 0 else "DEADLINE_EXCEEDED"
    span.set_attribute(names.RPC_STATUS, name)
    fail_with(span, name, "the client did not wait for the answer")


def _headers(metadata: Any) -> list[tuple[str, str]]:
    """What is text; the rest is bytes, which no header of traces is."""
    return [(key, value) for key, value in metadata or () if isinstance(value, str)]
