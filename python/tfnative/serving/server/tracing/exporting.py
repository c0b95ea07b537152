# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where a server's spans go: as OpenTelemetry's own variables say.

Those are the standard's: see "OpenTelemetry Environment Variable Specification". The
SDK reads most of them itself.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from tfnative.errors import InvalidArgumentError
from tfnative.serving.tracing.provider import global_provider, missing_telemetry

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

_SERVICE = "tfnative"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_EXPORTERS = "OTEL_TRACES_EXPORTER"
FLUSH_SECONDS = 5.0
"""How long a server that ends waits for the last spans to be taken."""


def open_provider() -> TracerProvider:
    """That of the process, if it has set one; else one that exports by OTLP.

    Raises:
        FailedPreconditionError: A package of OpenTelemetry is not installed.
        InvalidArgumentError: A variable of the environment says what there is not.
    """
    known = global_provider()
    if known is not None:  # As where `opentelemetry-instrument` has started it.
        return known
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporters = [_exporter(name) for name in _names()]
    except ModuleNotFoundError as error:
        raise missing_telemetry(error) from error
    resource = Resource.create()
    if str(resource.attributes.get("service.name")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": _SERVICE}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def close_provider(provider: TracerProvider | None) -> bool:
    """Sends the last spans, and ends; within ``FLUSH_SECONDS``, whoever takes them.

    Returns:
        Whether it was done in time.
    """
    shutdown = getattr(provider, "shutdown", None)
    if shutdown is None or provider is global_provider():
        return True  # Its owner does.
    closing = threading.Thread(target=shutdown, daemon=True)
    closing.start()
    closing.join(FLUSH_SECONDS)
    return not closing.is_alive()


def _names() -> list[str]:
    """Of the exporters that are asked for."""
    asked = os.environ.get(_EXPORTERS) or "otlp"
    return [name.strip() for name in asked.split(",") if name.strip() != "none"]


def _exporter(name: str) -> Any:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    if name != "otlp":
        raise InvalidArgumentError(
            f"{_EXPORTERS}: expected otlp, console or none, got {name!r:.100}"
        )
    found = [(key, os.environ[key]) for key in _PROTOCOLS if os.environ.get(key)]
    key, protocol = found[0] if found else (_PROTOCOLS[1], "http/protobuf")
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_form

        return grpc_form.OTLPSpanExporter()
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_form

        return http_form.OTLPSpanExporter()
    raise InvalidArgumentError(
        f"{key}: expected grpc or http/protobuf, got {protocol!r:.100}"
    )
