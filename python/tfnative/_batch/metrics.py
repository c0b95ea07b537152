# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a batcher counts and records."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tfnative._core import BatchMetrics as CoreBatchMetrics
from tfnative.errors import InvalidArgumentError


class Histogram(NamedTuple):
    """How often values fell between fixed bounds.

    Attributes:
        bounds: Ascending, inclusive upper bounds.
        counts: Values up to each bound; and, last, those beyond all of them.
        sum: Of all values.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float

    @property
    def count(self) -> int:  # type: ignore[override]
        """How many values there were."""
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """0 without values."""
        return self.sum / self.count if self.count else 0.0

    def quantile(self, q: float) -> float:
        """The value that a share ``q`` of all does not pass, as far as bounds tell.

        Linear between bounds; 0 without values.

        Raises:
            InvalidArgumentError: ``q`` is not in 0 to 1.
        """
        if not 0 <= q <= 1:
            raise InvalidArgumentError(f"q must be in 0 to 1, got {q}")
        wanted, below = q * self.count, 0
        for i, here in enumerate(self.counts):
            if here and below + here >= wanted:
                low = self.bounds[i - 1] if i else 0.0
                if i == len(self.bounds):
                    return low
                return low + (self.bounds[i] - low) * max(0.0, wanted - below) / here
            below += here
        return 0.0


@dataclass(frozen=True)
class BatchMetrics:
    """A snapshot of a batcher's counters, with TensorFlow Serving's names where it can.

    Attributes:
        request_count: Requests that came, but for those that did not fit the signature.
        wrapped_run_count: Batches that were run, failed ones included.
        divided_batch_count: Batches that failed since one of their requests was at
            fault, so that each was run by itself. These runs count as batches, too.
        errors: How many requests got an error, by its code: {"UNAVAILABLE": 3}.
        queuing_latency: Microseconds that a request waited before its run.
        request_latency: Microseconds from a request's arrival to its answer.
        run_latency: Microseconds that a batch took.
        input_batch_size: Rows of a request.
        processed_batch_size: Rows of a batch, padding included.
        padding_size: Rows of padding, by the size of the batch that they filled up.
        queued_requests: Requests that wait at the moment.
        queued_rows: Their rows.
        enqueued_batches: Batches that they form.
        running_batches: Batches that are being run at the moment.
        batch_timeout_micros: The timeout; with "auto", the one that was found.
    """

    request_count: int
    wrapped_run_count: int
    divided_batch_count: int
    errors: Mapping[str, int]
    queuing_latency: Histogram
    request_latency: Histogram
    run_latency: Histogram
    input_batch_size: Histogram
    processed_batch_size: Histogram
    padding_size: Mapping[int, Histogram]
    queued_requests: int
    queued_rows: int
    enqueued_batches: int
    running_batches: int
    batch_timeout_micros: int
    _native: CoreBatchMetrics = field(repr=False, compare=False)
    _labels: tuple[str, str] = field(repr=False, compare=False)

    @classmethod
    def of(
        cls, native: CoreBatchMetrics, model: str, thread_pool_name: str
    ) -> BatchMetrics:
        """From what the run time counted."""
        values: dict[str, Any] = native.as_dict()
        for name, value in values.items():
            if isinstance(value, tuple):
                values[name] = Histogram(*value)
        values["padding_size"] = {
            size: Histogram(*rows) for size, rows in values["padding_size"].items()
        }
        return cls(**values, _native=native, _labels=(model, thread_pool_name))

    def to_prometheus(self, model_name: str | None = None) -> str:
        """The text that Prometheus scrapes.

        Args:
            model_name: Value of the label of this name. Default: the model's own name.
                Of several batchers whose texts are put together, each needs another.

        Names are those that TensorFlow Serving exports, as
        ``:tensorflow:serving:batching_session:queuing_latency``, so that dashboards
        carry over; what it does not count begins with ``tfnative_batcher_``.
        """
        own_name, thread_pool_name = self._labels
        return self._native.to_prometheus(model_name or own_name, thread_pool_name)


class TracedRequest(NamedTuple):
    """A request that was traced. Times are microseconds of the clock."""

    id: int
    rows: int
    enqueued_micros: int
    done_micros: int
    code: int
    """0, or the canonical status code of its error."""


class TracedBatch(NamedTuple):
    """A batch that was traced. Times are microseconds of the clock."""

    id: int
    thread: int
    """0, 1, ...: a batch thread. -1: a thread that waited for an answer itself."""
    rows: int
    padded_rows: int
    opened_micros: int
    """When its first request came."""
    started_micros: int
    done_micros: int
    code: int
    requests: tuple[int, ...]
    """Ids. A request that was split is in several batches."""


@dataclass(frozen=True)
class BatchTrace:
    """What happened to requests and batches between ``start_trace`` and ``stop_trace``.

    Attributes:
        requests: In the order in which they were done.
        batches: In the order in which they were done.
        dropped: How many there was no room for.
    """

    requests: tuple[TracedRequest, ...]
    batches: tuple[TracedBatch, ...]
    dropped: int
    _chrome_json: str = field(repr=False, compare=False)

    @classmethod
    def of(cls, native: Mapping[str, Any]) -> BatchTrace:
        """From what the run time recorded."""
        return cls(
            tuple(TracedRequest(*request) for request in native["requests"]),
            tuple(TracedBatch(*batch) for batch in native["batches"]),
            native["dropped"],
            native["chrome_json"],
        )

    def to_chrome_json(self) -> str:
        """What chrome://tracing and https://ui.perfetto.dev show."""
        return self._chrome_json

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes ``to_chrome_json`` to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._chrome_json)
