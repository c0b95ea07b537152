# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Spans of calls that threads run: how long they wait for one, how long they take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry import context as contexts
from opentelemetry.trace import get_current_span

from tfnative.serving.tracing import names
from tfnative.serving.tracing.spans import span_around

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

T = TypeVar("T")


def model_attributes(model: Any, name: str, version: int, signature: str) -> Any:
    """What every span about a model says of it."""
    found: dict[str, Any] = {
        names.MODEL: names.clean(name),
        names.VERSION: version,
        names.SIGNATURE: names.clean(signature),
    }
    threads = getattr(model, "_thread_count", None)  # Only compiled ones say.
    return found if threads is None else {**found, names.MODEL_THREADS: threads}


def in_thread(
    tracer: Tracer, call: Callable[[], T], name: str, attributes: dict[str, Any]
) -> Callable[[], T]:
    """The same call, with spans in the trace of the request that is answered now.

    Args:
        tracer: Whose they are.
        call: What another thread will call.
        name: Of the span while it runs. Before that, it is in the queue.
        attributes: Of that span.
    """
    if not get_current_span().is_recording():
        return call
    context = contexts.get_current()
    queued = time.time_ns()
    rows = attributes.get(names.ROWS)
    known = {} if rows is None else {names.ROWS: rows}

    def run() -> T:
        waited = tracer.start_span(
            names.QUEUE, context, attributes=known, start_time=queued
        )
        waited.end()
        token = contexts.attach(context)
        try:
            with span_around(tracer, name, attributes=attributes):
                return call()
        finally:
            contexts.detach(token)

    return run
