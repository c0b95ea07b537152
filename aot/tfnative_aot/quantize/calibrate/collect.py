# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Looks at the values of tensors while samples run, and keeps none of them.

All samples run twice: what the first pass sees says where the bins of the second lie.
So a histogram is the same in whatever order samples come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative_aot.load.source import Arrays
from tfnative_aot.progress import Progress
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.observed import (
    BINS,
    MOMENTUM,
    Counts,
    Observed,
)

Array = npt.NDArray[Any]
Run = Callable[[Arrays, Sequence[str]], Sequence[Array]]
"""Runs a batch: arrays by input, and the values of some tensors of it."""

_MOST_ROWS = 32
_MOST_BYTES = 64 << 20
_BLOCK = 1 << 16


@dataclass
class _Bounds:
    """What the first pass knows of a tensor."""

    least: float = np.inf
    largest: float = -np.inf
    mean_least: float = np.nan
    mean_largest: float = np.nan
    zeros: int = 0
    values: int = 0
    not_finite: int = 0

    def see(self, values: Array) -> None:
        """Takes in the values of a batch."""
        found = _finite(values)
        self.not_finite += values.size - found.size
        if found.size == 0:
            return
        least, largest = float(found.min()), float(found.max())
        if self.values == 0:
            self.mean_least, self.mean_largest = least, largest
        else:
            old = MOMENTUM
            self.mean_least = old * self.mean_least + (1 - old) * least
            self.mean_largest = old * self.mean_largest + (1 - old) * largest
        self.least = min(self.least, least)
        self.largest = max(self.largest, largest)
        self.zeros += found.size - int(np.count_nonzero(found))
        self.values += found.size


def collect(
    run: Run, tensors: Sequence[str], data: CalibrationData, progress: Progress
) -> dict[str, Observed]:
    """Runs all samples, and says what values tensors have.

    At any time, there are the values of one batch only. How many samples that has
    depends on how large the values of one are.

    Args:
        run: Runs a batch.
        tensors: Names of floating-point tensors.
        data: The samples.
        progress: Is told of each batch.

    Returns:
        What is known of each, by name.
    """
    rows = _rows_at_once(run, tensors, data)
    sizes = [_rows_in(chunk, data) for chunk in data.chunks(rows)]
    progress.stage("calibrate", 2 * len(sizes))
    bounds = {name: _Bounds() for name in tensors}
    for found in _batches(run, tensors, data, rows, progress):
        for name, values in found.items():
            bounds[name].see(values)
    seen = {name: _Histogram(each) for name, each in bounds.items()}
    for found in _batches(run, tensors, data, rows, progress):
        for name, values in found.items():
            seen[name].see(values)
    return {name: seen[name].observed(name, len(data)) for name in tensors}


def _rows_at_once(run: Run, tensors: Sequence[str], data: CalibrationData) -> int:
    if not data.stacked:
        return 1
    of_one = sum(np.asarray(a).nbytes for a in run(next(data.chunks(1)), tensors))
    return max(1, min(_MOST_ROWS, _MOST_BYTES // max(of_one, 1)))


def _rows_in(chunk: Arrays, data: CalibrationData) -> int:
    return next((len(chunk[name]) for name in data.stacked), 1)


def _batches(
    run: Run,
    tensors: Sequence[str],
    data: CalibrationData,
    rows: int,
    progress: Progress,
) -> Iterator[Mapping[str, Array]]:
    done = 0
    for chunk in data.chunks(rows):
        yield dict(zip(tensors, map(np.asarray, run(chunk, tensors)), strict=True))
        done += _rows_in(chunk, data)
        progress.advance(f"{done} of {len(data)} samples")


class _Histogram:
    """What the second pass counts of a tensor."""

    def __init__(self, bounds: _Bounds) -> None:
        self._bounds = bounds
        if bounds.values == 0:
            bounds.least = bounds.largest = 0.0
            bounds.mean_least = bounds.mean_largest = 0.0
        self._most = max(-bounds.least, bounds.largest)
        self._counts = np.zeros(2 * BINS, np.int64)

    def see(self, values: Array) -> None:
        """Takes in the values of a batch."""
        found = _finite(values) if self._bounds.not_finite else values.reshape(-1)
        for first in range(0, len(found), _BLOCK):
            self._counts += self._counted(found[first : first + _BLOCK])

    def _counted(self, values: Array) -> Counts:
        """How many are in each bin, from the negative of the largest magnitude on."""
        # The quotient first: it is the same for whatever power of two they are of.
        scaled = np.asarray(values, np.float64) / (self._most or 1.0)
        scaled *= BINS
        bins = scaled.astype(np.int64)  # Towards zero, so that both sides are alike.
        bins -= scaled < 0
        bins += BINS + 1
        # The largest magnitudes are at the ends of the last bins, and not behind them.
        counts = np.bincount(bins, minlength=2 * BINS + 2)
        counts[1] += counts[0]
        counts[-2] += counts[-1]
        return counts[1:-1]

    def observed(self, name: str, samples: int) -> Observed:
        """All that is known."""
        of = self._bounds
        below = np.linspace(-self._most, 0, BINS + 1)
        counts, edges = self._counts, np.concatenate([below, -below[-2::-1]])
        if of.least >= 0:
            counts, edges = counts[BINS:], edges[BINS:]
        elif of.largest <= 0:
            zeros = counts[BINS]
            counts, edges = counts[:BINS].copy(), edges[: BINS + 1]
            counts[-1] += zeros
        return Observed(
            name=name,
            least=of.least,
            largest=of.largest,
            mean_least=of.mean_least,
            mean_largest=of.mean_largest,
            counts=counts,
            edges=edges + 0.0,  # No -0.
            zeros=of.zeros,
            values=of.values,
            not_finite=of.not_finite,
            samples=samples,
        )


def _finite(values: Array) -> Array:
    """Those that are finite; most often all are, which their extremes tell."""
    flat = values.reshape(-1)
    if flat.size == 0 or np.isfinite([flat.min(), flat.max()]).all():
        return flat
    return flat[np.isfinite(flat)]
