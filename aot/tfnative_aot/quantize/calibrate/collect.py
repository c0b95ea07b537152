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
    Doubles,
    Observed,
)

Array = npt.NDArray[Any]
Run = Callable[[Arrays, Sequence[str]], Sequence[Array]]
"""Runs a batch: arrays by input, and the values of some tensors of it."""

_MOST_ROWS = 32
_MOST_BYTES = 64 << 20
_BLOCK = 1 << 18


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
        found, lost = _finite(values)
        self.not_finite += lost
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
        self._above = np.zeros(BINS, np.int64)
        self._below = np.zeros(BINS, np.int64)

    def see(self, values: Array) -> None:
        """Takes in the values of a batch."""
        flat = values.reshape(-1)
        for first in range(0, len(flat), _BLOCK):
            found, _ = _finite(flat[first : first + _BLOCK])
            is_below = found < 0
            self._above += self._counted(found[~is_below])
            self._below += self._counted(-found[is_below])

    def _counted(self, magnitudes: Doubles) -> Counts:
        """How many are in each bin, of numbers from 0 on."""
        if self._most == 0:
            places = np.zeros(len(magnitudes), np.int64)
        else:
            # The quotient first: it is the same for whatever power of two they are of.
            places = (magnitudes / self._most * BINS).astype(np.int64)
        return np.bincount(np.minimum(places, BINS - 1), minlength=BINS)

    def observed(self, name: str, samples: int) -> Observed:
        """All that is known."""
        of = self._bounds
        below = np.linspace(-self._most, 0, BINS + 1)
        counts, edges = self._above, -below[::-1]
        if of.least < 0 < of.largest:
            counts = np.concatenate([self._below[::-1], counts])
            edges = np.concatenate([below[:-1], edges])
        elif of.least < 0:
            counts, edges = self._below[::-1].copy(), below
            counts[-1] += self._above[0]  # Zeros.
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


def _finite(values: Array) -> tuple[Doubles, int]:
    """Those that are finite, as float64, and how many are not."""
    wide = np.asarray(values, np.float64).reshape(-1)
    is_finite = np.isfinite(wide)
    if is_finite.all():
        return wide, 0
    return wide[is_finite], int(wide.size - np.count_nonzero(is_finite))
