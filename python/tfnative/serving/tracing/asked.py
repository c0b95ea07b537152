# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The door to the traces of clients: OpenTelemetry is imported behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tfnative.serving.tracing.provider import chosen_provider

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from tfnative.serving.tracing.client_traces import ClientTraces


def client_traces(asked: TracerProvider | bool | None) -> ClientTraces | None:
    """What makes a client's spans; None if there are no traces.

    Raises:
        Error: As ``chosen_provider``.
    """
    provider = chosen_provider(asked)
    if provider is None:
        return None
    from tfnative.serving.tracing.client_traces import ClientTraces

    return ClientTraces(provider)


def trace_headers() -> Callable[[], tuple[tuple[str, str], ...]]:
    """What tells a server which span is current, as a function.

    For clients that have traces.
    """
    from tfnative.serving.tracing.client_traces import trace_headers

    return trace_headers
