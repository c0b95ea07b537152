# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The door to a server's traces: OpenTelemetry is imported behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.middleware import Middleware

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from tfnative._batch.batcher import Batcher
    from tfnative._model import Model
    from tfnative.serving.server.tracing.requests import ServerTraces


def server_traces(provider: TracerProvider | None) -> ServerTraces | None:
    """What makes a server's spans; None if nobody takes them."""
    if provider is None:
        return None
    from tfnative.serving.server.tracing.requests import ServerTraces

    return ServerTraces(provider)


def grpc_spans(traces: ServerTraces | None) -> tuple[Any, ...]:
    """What stands around all interceptors of gRPC."""
    if traces is None:
        return ()
    from tfnative.serving.server.tracing.grpc_spans import GrpcSpans

    return (GrpcSpans(traces),)


def rest_spans(traces: ServerTraces | None) -> tuple[Middleware, ...]:
    """What stands around all that answers over REST, but for what errors become."""
    if traces is None:
        return ()
    from tfnative.serving.server.tracing.rest_spans import RestSpans

    return (Middleware(RestSpans, traces=traces),)


def traced_batcher() -> type[Batcher]:
    """Batchers that can make spans."""
    from tfnative.serving.server.tracing.traced_batcher import TracedBatcher

    return TracedBatcher


def begin_batch_spans(
    provider: TracerProvider,
    batcher: Batcher,
    model: Model,
    name: str,
    version: int,
    signature: str,
) -> None:
    """Has a batcher make spans, if it is one that can."""
    from tfnative.serving.server.tracing.traced_batcher import TracedBatcher
    from tfnative.serving.tracing.provider import tracer_of

    if isinstance(batcher, TracedBatcher):
        batcher.trace(tracer_of(provider), model, name, version, signature)
