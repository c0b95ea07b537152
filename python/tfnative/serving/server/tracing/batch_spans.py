# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Spans of batches, and of what they do for each of their requests.

The batcher records what happens, with its own clock, and threads of its own that know
nothing of Python; here spans are made of that, once it has happened. So whoever waits
waits no longer, and there is no span that nobody ends: one is begun when its end is
known.

The trace of a request has its time in the queue, and the time in which the model
computed its rows. A batch is in the traces of many requests: its span is in that of the
first one whose trace is kept, and has links to all; theirs have a link to it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    set_span_in_context,
)

from tfnative._batch.metrics import TracedBatch, TracedRequest
from tfnative.serving.status_codes import CODES
from tfnative.serving.tracing import names
from tfnative.serving.tracing.spans import fail, fail_with

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.trace import Tracer

_REASONS = {
    1: "it was taken out of the queue: its caller gave up, or the batcher was closed",
    4: "its time was over before a batch with it was run",
}


@dataclass
class _Open:
    """A request that is not answered yet.

    Attributes:
        parent: The span that asks.
        started_micros: When the first batch with it began; None if none has.
    """

    parent: SpanContext
    started_micros: int | None = None


class BatchSpans:
    """Makes the spans of one batcher. Thread-safe.

    Args:
        tracer: Whose they are.
        take: Takes what the batcher has recorded, as ``_take_trace`` does.
        attributes: Of the model, and of the batcher.
    """

    def __init__(
        self,
        tracer: Tracer,
        take: Callable[[], Mapping[str, Any]],
        attributes: dict[str, Any],
    ) -> None:
        self._tracer = tracer
        self._take = take
        self._attributes = attributes
        self._lock = threading.RLock()
        self._open: dict[int, _Open] = {}

    def enter(self, parent: Span, submit: Callable[[], Any]) -> Any:
        """Submits a request, whose spans are to be children of another.

        Nobody takes the record meanwhile: the request may be answered before its number
        is known.
        """
        with self._lock:
            request = submit()
            self._open[request.id] = _Open(parent.get_span_context())
            return request

    def refused(self, parent: Span, start_nanos: int, error: Exception) -> None:
        """Makes the span of a request that was not taken: the queue was full.

        Args:
            parent: The span that asks.
            start_nanos: When it first tried.
            error: Why not.
        """
        context = parent.get_span_context()
        span = self._span(names.QUEUE, context, {}, start_nanos, ())
        fail(span, error)
        span.end()

    def make(self) -> None:
        """Makes the spans of all that has happened."""
        with self._lock:
            taken = self._take()
            if not taken["batches"] and not taken["requests"]:
                return
            epoch_nanos = time.time_ns() - time.monotonic_ns()
            for batch in taken["batches"]:
                self._batch(TracedBatch(*batch), epoch_nanos)
            for request in taken["requests"]:
                self._request(TracedRequest(*request), epoch_nanos)

    def _batch(self, batch: TracedBatch, epoch_nanos: int) -> None:
        members = [
            self._open[number]
            for number in dict.fromkeys(batch.requests)
            if number in self._open
        ]
        if not members:
            return  # Nobody traces any of its requests.
        known = {
            **self._attributes,
            names.BATCH_ROWS: batch.rows,
            names.BATCH_SIZE: batch.padded_rows,
            names.BATCH_PADDING: batch.padded_rows - batch.rows,
            names.BATCH_REQUESTS: len(batch.requests),
        }
        whole = self._span(
            names.BATCH,
            members[0].parent,
            known,
            epoch_nanos + 1000 * batch.opened_micros,
            [Link(each.parent) for each in members],
        )
        end = epoch_nanos + 1000 * batch.done_micros
        _end(whole, batch.code, "a request, or the model, failed", end)
        link = Link(whole.get_span_context())
        for each in members:
            if each.started_micros is None:
                each.started_micros = batch.started_micros
            start = epoch_nanos + 1000 * batch.started_micros
            span = self._span(names.COMPUTE, each.parent, known, start, [link])
            _end(span, batch.code, "a request of the batch, or the model, failed", end)

    def _request(self, request: TracedRequest, epoch_nanos: int) -> None:
        known = self._open.pop(request.id, None)
        if known is None:
            return
        left = known.started_micros
        start = epoch_nanos + 1000 * request.enqueued_micros
        end = epoch_nanos + 1000 * (request.done_micros if left is None else left)
        rows = {names.ROWS: request.rows}
        span = self._span(names.QUEUE, known.parent, rows, start, ())
        code = request.code if left is None else 0  # Else it was taken by a batch.
        _end(span, code, "it was not run", max(start, end))

    def _span(
        self,
        name: str,
        parent: SpanContext,
        attributes: dict[str, Any],
        start_nanos: int,
        links: Any,
    ) -> Span:
        context = set_span_in_context(NonRecordingSpan(parent))
        return self._tracer.start_span(
            name, context, attributes=attributes, links=links, start_time=start_nanos
        )


def _end(span: Span, code: int, reason: str, end_nanos: int) -> None:
    if code:
        kind = CODES.get(code, "UNKNOWN")
        fail_with(span, kind, _REASONS.get(code, reason))
    span.end(end_nanos)
