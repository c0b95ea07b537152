# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of a tensor's values after all samples have run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfnative.errors import InternalError

BINS = 2048
"""Of a histogram, on each side of zero."""

MOMENTUM = 0.9
"""What a moving average keeps of itself when a batch comes."""

Counts = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Range:
    """What a tensor's numbers are taken to be between: low <= 0 <= high, both finite.

    Both are 0 if a tensor has nothing but zeros.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        ends = (self.low, self.high)
        if not (self.low <= 0 <= self.high and np.isfinite(ends).all()):
            raise InternalError(
                f"a range of {self.low} to {self.high}: it has to be finite, and to "
                "have 0 in it"
            )


@dataclass(frozen=True)
class Observed:
    """Of one tensor, over all samples. Values that are not finite are only counted.

    Attributes:
        name: The tensor's, in the graph.
        least: The least value.
        largest: The largest value.
        mean_least: The moving average of the least value of each batch.
        mean_largest: Likewise of the largest.
        counts: How many values are in each bin. BINS bins reach from 0 to the largest
            magnitude if no value is negative, or from its negative to 0 if none is
            positive; else there are as many on both sides.
        edges: Where bins begin, and the last one ends, ascending; one is 0.
        zeros: How many values are 0. Those are in ``counts``, too.
        values: How many values there are.
        not_finite: How many more were NaN or infinite.
        samples: How many samples they come from.
    """

    name: str
    least: float
    largest: float
    mean_least: float
    mean_largest: float
    counts: Counts
    edges: Doubles
    zeros: int
    values: int
    not_finite: int
    samples: int

    @property
    def width(self) -> float:
        """Of a bin; 0 if all values are."""
        return max(-self.least, self.largest) / BINS

    @property
    def nonzero_counts(self) -> Counts:
        """The counts without zeros, which every range has exactly."""
        counts: Counts = self.counts.copy()
        counts[min(self.zero_bin, len(counts) - 1)] -= self.zeros
        return counts

    @property
    def zero_bin(self) -> int:
        """The number of the first bin above 0, in which zeros are, if there is one."""
        return BINS if self.least < 0 else 0

    @property
    def centres(self) -> Doubles:
        """The middle of each bin."""
        return np.asarray((self.edges[:-1] + self.edges[1:]) / 2)

    def clip(self, low: float, high: float) -> Range:
        """The range between both, as far as there are values, with zero in it."""
        low, high = max(low, self.least), min(high, self.largest)
        # A zero is added since there would be -0.
        return Range(float(min(low, 0.0)) + 0.0, float(max(high, 0.0)) + 0.0)
