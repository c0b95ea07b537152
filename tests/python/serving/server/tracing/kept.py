# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Spans that are kept in memory, and what they have to be like."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tfnative.serving.tracing import names


class _Counting(SpanProcessor):
    def __init__(self) -> None:
        self.begun: Counter[int] = Counter()

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.begun[span.context.span_id] += 1

    def on_end(self, span: ReadableSpan) -> None:
        self.begun[span.context.span_id] -= 1


class Kept:
    """A provider, and what it was given.

    Attributes:
        provider: For clients and servers.
    """

    def __init__(self, **options: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self._counting = _Counting()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        self.provider.add_span_processor(self._counting)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def only(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span

    def of_kind(self, kind: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.kind.name == kind]

    def clear(self) -> None:
        self._exporter.clear()

    def wait_for(self, is_there: Callable[[], Any]) -> None:
        """The span of a request ends after its answer has been sent."""
        until = time.monotonic() + 10
        while not is_there():
            assert time.monotonic() < until, [span.name for span in self.spans]
            time.sleep(0.005)

    def settle(self) -> None:
        """Waits until no span is open."""
        self.wait_for(lambda: not +self._counting.begun)

    def check_trees(self) -> None:
        """Spans of a trace are one tree, in time, and all are ended, and only once."""
        self.settle()
        assert not any(self._counting.begun.values())
        by_id = {span.context.span_id: span for span in self.spans}
        assert len(by_id) == len(self.spans)
        roots: Counter[int] = Counter()
        for span in self.spans:
            assert span.end_time is not None
            assert span.start_time is not None
            assert span.start_time <= span.end_time
            if span.parent is None:
                roots[span.context.trace_id] += 1
                continue
            parent = by_id[span.parent.span_id]
            assert parent.context.trace_id == span.context.trace_id
        traces = {span.context.trace_id for span in self.spans}
        assert roots == dict.fromkeys(traces, 1)

    def check_batches(self) -> None:
        """Batches and what computes their rows name each other; rows sum up."""
        by_id = {span.context.span_id: span for span in self.spans}
        batches = self.named(names.BATCH)
        linked = set()
        for span in self.named(names.COMPUTE):
            (link,) = span.links
            batch = by_id[link.context.span_id]
            assert batch.name == names.BATCH
            assert span.parent in [each.context for each in batch.links]
            assert _times(span)[1] == _times(batch)[1]
            assert _times(batch)[0] <= _times(span)[0]
            linked.add((batch.context.span_id, span.parent.span_id))
        for batch in batches:
            known = batch.attributes
            for each in batch.links:
                assert (batch.context.span_id, each.context.span_id) in linked
                assert by_id[each.context.span_id].kind.name == "SERVER"
            assert batch.parent == batch.links[0].context
            assert known[names.BATCH_SIZE] == (
                known[names.BATCH_ROWS] + known[names.BATCH_PADDING]
            )
        rows = [span.attributes[names.ROWS] for span in self.named(names.QUEUE)]
        assert sum(rows) == sum(b.attributes[names.BATCH_ROWS] for b in batches)


def _times(span: ReadableSpan) -> tuple[int, int]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time, span.end_time
