# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The span of a request to a server: the child of the client's, if that sent it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer, TracerProvider

from tfnative.serving.server.tracing.compute_spans import in_thread, model_attributes
from tfnative.serving.tracing.names import BATCH_ROWS, COMPUTE, EXAMPLES, ROWS
from tfnative.serving.tracing.provider import tracer_of
from tfnative.serving.tracing.spans import span_around

T = TypeVar("T")

_log = logging.getLogger("tfnative.serving")
_PARENT = "traceparent"


class ServerTraces:
    """Makes the spans of a server. Thread-safe.

    Args:
        provider: Who takes them.

    Attributes:
        tracer: What makes them.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self.tracer: Tracer = tracer_of(provider)

    def request(
        self,
        name: str,
        headers: Iterable[tuple[str, str]],
        attributes: dict[str, Any],
    ) -> Any:
        """A span around a request, in a ``with`` block.

        Args:
            name: Its name: of a method, not of a request.
            headers: What the request came with; keys in lower case.
            attributes: What is known of it.
        """
        return span_around(
            self.tracer,
            name,
            kind=SpanKind.SERVER,
            attributes=attributes,
            context=parent_in(headers),
        )

    def computing(
        self,
        call: Callable[[], T],
        model: Any,
        name: str,
        version: int,
        signature: str,
        rows: int | None,
    ) -> Callable[[], T]:
        """The same call of a model, with spans: for a thread that will run it.

        Args:
            call: What will be called.
            model: Which model computes.
            name: Under which clients know it.
            version: Its number.
            signature: The signature's name.
            rows: Of the request; None if its inputs have none.
        """
        attributes = model_attributes(model, name, version, signature)
        if rows is not None:
            attributes |= {ROWS: rows, BATCH_ROWS: rows}
        return in_thread(self.tracer, call, COMPUTE, attributes)

    def reading(
        self,
        call: Callable[[], T],
        model: Any,
        name: str,
        version: int,
        signature: str,
        rows: int,
    ) -> Callable[[], T]:
        """Likewise, of a call that reads tf.Example messages first.

        Where their rows are batched, the batch makes spans within this one.
        """
        attributes = model_attributes(model, name, version, signature) | {ROWS: rows}
        return in_thread(self.tracer, call, EXAMPLES, attributes)


def parent_in(headers: Iterable[tuple[str, str]]) -> Context:
    """The client's span, as its headers tell; none if they are not what they should be.

    Whatever they are, a request is answered: W3C's Trace Context has a receiver begin a
    trace of its own where it cannot read one, and where there are several.
    """
    carrier: dict[str, list[str]] = {}
    for key, value in headers:
        carrier.setdefault(key, []).append(value)
    if len(carrier.get(_PARENT, ())) > 1:
        del carrier[_PARENT]
    try:
        return propagate.extract(carrier, Context())
    except Exception as error:  # A propagator may be anybody's.
        _log.debug("a request's context of traces cannot be read: %r", error)
        return Context()
