# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What one turn of a contestant came to, and what is made of several.

Turns of one round follow each other at once, so that ratios are taken within a round,
and then their median: a slow minute hits both sides.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Round:
    """One turn.

    Attributes:
        rows: That were answered.
        seconds: From the start to the last answer.
        cpu_seconds: Of the processor, by all threads of the process.
        p50_micros: Half of the requests were answered within this time.
        p99_micros: 99 of 100 were.
        queued_p99_micros: 99 of 100 waited no longer for their run; 0 if not recorded.
        rejected: Requests that found the queue full.
        rows_per_batch: On average; 0 if not recorded.
    """

    rows: int
    seconds: float
    cpu_seconds: float
    p50_micros: float
    p99_micros: float
    queued_p99_micros: float = 0.0
    rejected: int = 0
    rows_per_batch: float = 0.0

    @classmethod
    def of(
        cls, rows: int, seconds: float, cpu_seconds: float, micros: Sequence[float]
    ) -> Round:
        """From the latencies of single requests."""
        p50, p99 = map(float, np.percentile(micros, [50, 99])) if micros else (0.0, 0.0)
        return cls(rows, seconds, cpu_seconds, p50, p99)

    @property
    def rows_per_second(self) -> float:
        """How many rows were answered in a second."""
        return self.rows / self.seconds

    @property
    def micros_per_row(self) -> float:
        """The same, the other way round."""
        return self.seconds / self.rows * 1e6

    @property
    def cpu_micros_per_row(self) -> float:
        """Processor time for a row, wherever it was spent."""
        return self.cpu_seconds / self.rows * 1e6


def median(rounds: Sequence[Round], value: str) -> float | None:
    """The median of an attribute over all rounds, or None without any."""
    return statistics.median(getattr(r, value) for r in rounds) if rounds else None


def ratio(rounds: Sequence[Round], to: Sequence[Round], value: str) -> float | None:
    """The median of the ratios within a round; None without any."""
    pairs = _pairs(rounds, to, value)
    return statistics.median(a / b for a, b in pairs) if pairs else None


def difference(
    rounds: Sequence[Round], to: Sequence[Round], value: str
) -> float | None:
    """The median of the differences within a round; None without any."""
    pairs = _pairs(rounds, to, value)
    return statistics.median(a - b for a, b in pairs) if pairs else None


def _pairs(
    rounds: Sequence[Round], to: Sequence[Round], value: str
) -> list[tuple[float, float]]:
    return [(getattr(a, value), getattr(b, value)) for a, b in zip(rounds, to)]  # noqa: B905
