# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How long batches take: as measured, or by a formula."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence


class Affine:
    """Batches that take a time of their own, and more for each row.

    Args:
        batch_micros: Of a batch, whatever its size.
        row_micros: Of each row.
    """

    def __init__(self, batch_micros: float, row_micros: float) -> None:
        self.batch_micros = batch_micros
        self.row_micros = row_micros

    def __call__(self, rows: int) -> int:
        """Microseconds of a batch."""
        return max(1, round(self.batch_micros + self.row_micros * rows))


class Measured:
    """Draws from what batches of a size were seen to take.

    Of sizes that were not seen, a batch takes what the next larger one does, and less
    by the ratio of the two sizes' medians, which lie on a line between those seen.

    Args:
        samples: Microseconds, by rows; at least one for each.
        seed: Of the draws.
    """

    def __init__(self, samples: Mapping[int, Sequence[int]], seed: int = 0) -> None:
        self._samples = {rows: sorted(taken) for rows, taken in samples.items()}
        self._sizes = sorted(self._samples)
        self._chance = random.Random(seed)

    def median(self, rows: int) -> float:
        """Microseconds that half of the batches of this size take at most."""
        place = bisect_left(self._sizes, rows)
        if place == len(self._sizes):
            largest = self._sizes[-1]
            return self._middle(largest) * rows / largest
        above = self._sizes[place]
        if above == rows or place == 0:
            return self._middle(above)
        below = self._sizes[place - 1]
        share = (rows - below) / (above - below)
        return (1 - share) * self._middle(below) + share * self._middle(above)

    def __call__(self, rows: int) -> int:
        """Microseconds of a batch."""
        place = min(bisect_left(self._sizes, rows), len(self._sizes) - 1)
        near = self._sizes[place]
        drawn = self._chance.choice(self._samples[near])
        return max(1, round(drawn * self.median(rows) / self._middle(near)))

    def _middle(self, rows: int) -> float:
        taken = self._samples[rows]
        return float(taken[len(taken) // 2])


def rows_per_second(median: float, rows: int, threads: int) -> float:
    """What so many threads compute at most in batches of so many rows.

    Args:
        median: Microseconds of such a batch.
        rows: Of a batch.
        threads: That run batches.
    """
    return threads * rows / median * 1e6
