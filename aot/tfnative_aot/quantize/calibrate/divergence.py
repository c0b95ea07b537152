# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The threshold whose few levels diverge least from a histogram of magnitudes.

For each length i of the histogram, from 128 bins up, P is what clipping makes of it:
its first i bins, and all that lies behind them in the last of these. Q is what 128
levels can tell of these bins: each level has as much as its bins have together, evenly
among those of them that have anything in P. The divergence of P from Q is the sum of
P log(P / Q) over all bins, where both are divided by their sums.

Zeros are left out before, which the slides do not do: every range has them exactly, and
behind a ReLU they are so many that the divergence would speak of nothing else. Levels
have bins of the same number, or one more, where i is no multiple of 128.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfnative_aot.quantize.calibrate.observed import Counts, Doubles

LEVELS = 128
"""Of magnitudes, with a sign, in 8 bits."""

_LEAST = 1e-4
"""What counts as the number of values of a last level that has none in Q, but in P."""


def best_length(counts: Counts) -> int:
    """How many bins the range has: the longest of those with the least divergence.

    Args:
        counts: Of magnitudes from 0 on.
    """
    if not counts.any():
        return len(counts)
    found = divergences(counts)
    return len(counts) - int(np.argmin(found[::-1]))


def divergences(counts: Counts) -> Doubles:
    """Of each length from LEVELS on. Those with nothing in Q diverge infinitely.

    Sums over bins are differences of sums from the first bin on, so that a length takes
    one step for each level, and not for each bin.
    """
    bins = len(counts)
    lengths = np.arange(LEVELS, bins + 1)
    bounds = lengths[:, None] * np.arange(LEVELS + 1) // LEVELS
    numbers = counts.astype(np.float64)
    sums, filled = _from_first(numbers), _from_first(counts > 0)
    inside = sums[lengths]
    outside = sums[-1] - inside
    in_level = np.diff(sums[bounds], axis=1)
    bins_of_level = np.diff(filled[bounds], axis=1)
    # The last bin has all that is clipped in P, whether or not it has more in Q.
    last = numbers[lengths - 1]
    bins_of_level[:, -1] += (last == 0) & (outside > 0)
    in_level_of_q = in_level.copy()
    is_bare = (in_level[:, -1] == 0) & (outside > 0)
    in_level_of_q[is_bare, -1] = _LEAST
    in_level[:, -1] += outside
    # With P = p / n and Q = q / m: the sum of p log p - p log q, over n, + log(m / n).
    own = _from_first(_times_log(numbers, numbers))[lengths]
    own += _times_log(last + outside, last + outside) - _times_log(last, last)
    of_levels = _times_log(in_level, in_level_of_q / np.maximum(bins_of_level, 1))
    total = sums[-1]
    with np.errstate(divide="ignore"):
        ratio = np.log(inside / total)
    found = (own - of_levels.sum(axis=1)) / total + ratio
    return np.where(inside > 0, found, np.inf)


def _times_log(of: Doubles, log_of: Doubles) -> Doubles:
    """The product, which is 0 where the first is."""
    return of * np.log(np.where(of > 0, log_of, 1.0))


def _from_first(of: npt.NDArray[np.float64] | npt.NDArray[np.bool_]) -> Doubles:
    """Sums of the first 0, 1, 2 ... of them."""
    return np.concatenate([[0.0], np.cumsum(of, dtype=np.float64)])
