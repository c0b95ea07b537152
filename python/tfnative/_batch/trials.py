# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batching parameters that were tried, and which of them to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tfnative.errors import FailedPreconditionError

NEARLY = 0.95
"""What gives this share of the most rows per second is as good as the most."""

MAX_FAILED_SHARE = 0.01
"""If more requests fail than these, 99 of 100 cannot have been answered in time."""


@dataclass(frozen=True)
class BatchParameters:
    """A candidate: what ``Batcher`` takes.

    ``Batcher(model, **dataclasses.asdict(parameters))`` has them.

    Attributes:
        max_batch_size: As for ``Batcher``.
        batch_timeout_micros: As for ``Batcher``.
        num_batch_threads: As for ``Batcher``.
        allowed_batch_sizes: As for ``Batcher``; the last is ``max_batch_size``.
    """

    max_batch_size: int
    batch_timeout_micros: int
    num_batch_threads: int
    allowed_batch_sizes: tuple[int, ...] = ()

    def to_text_proto(self) -> str:
        """The file that ``Batcher.from_text_proto`` and TensorFlow Serving read."""
        return (
            f"max_batch_size {{ value: {self.max_batch_size} }}\n"
            f"batch_timeout_micros {{ value: {self.batch_timeout_micros} }}\n"
            f"num_batch_threads {{ value: {self.num_batch_threads} }}\n"
            "max_enqueued_batches { value: 100 }\n"
            + "".join(f"allowed_batch_sizes: {n}\n" for n in self.allowed_batch_sizes)
        )


@dataclass(frozen=True)
class BatchTrial:
    """How a candidate did.

    Attributes:
        parameters: The candidate.
        rows_per_second: Rows that were answered.
        p50_micros: The median of the latencies of the requests that were answered.
        p99_micros: What 99 of 100 of them stay below.
        mean_batch_size: Rows per batch.
        answered: Requests that were answered.
        failed: Requests that were rejected, or given up; and those that came too fast
            to be sent.
    """

    parameters: BatchParameters
    rows_per_second: float
    p50_micros: float
    p99_micros: float
    mean_batch_size: float
    answered: int
    failed: int

    @property
    def failed_share(self) -> float:
        """Of all requests, 0 to 1."""
        return self.failed / max(1, self.answered + self.failed)


def choose(
    trials: Sequence[BatchTrial], latency_target_ms: float | None
) -> tuple[BatchTrial, bool]:
    """The trial to propose, and whether it is good enough. See ``tune``.

    Raises:
        FailedPreconditionError: No candidate answered a single request.
    """
    answered = [trial for trial in trials if trial.rows_per_second > 0]
    if not answered:
        raise FailedPreconditionError(
            "no request was answered: try longer, or with fewer requests"
        )
    target_micros = (
        float("inf") if latency_target_ms is None else latency_target_ms * 1e3
    )
    in_time = [
        trial
        for trial in answered
        if trial.p99_micros <= target_micros and trial.failed_share <= MAX_FAILED_SHARE
    ]
    if not in_time:
        return min(answered, key=_lateness), False
    most = max(trial.rows_per_second for trial in in_time)
    good = [trial for trial in in_time if trial.rows_per_second >= NEARLY * most]
    return min(good, key=lambda trial: trial.p99_micros), True


def _lateness(trial: BatchTrial) -> tuple[float, float]:
    """Fewer failures first, where they count; then less latency."""
    share = trial.failed_share
    return (share if share > MAX_FAILED_SHARE else 0.0, trial.p99_micros)
