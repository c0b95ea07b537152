# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The range whose 256 steps have the least squared error over a histogram.

Every value of a bin counts as its middle, and zeros as what they are.
"""

from __future__ import annotations

import numpy as np

from tfnative_aot.quantize.calibrate.observed import Doubles, Observed, Range

STEPS = 255.0
"""From the lowest of 256 whole numbers to the highest."""

_TRIALS = 128
_ROUNDS = 2


def least_error(observed: Observed) -> Range:
    """The range with the least error of those that are tried.

    Both ends of the whole range come nearer together first. Then each comes nearer
    alone, twice, where there are values on both sides of zero. An end is tried at 128
    places. The whole range is one of those, so that it has no smaller error.
    """
    counts = observed.nonzero_counts
    used = counts > 0
    if not used.any():
        return observed.clip(0.0, 0.0)
    centres, weights = observed.centres[used], counts[used].astype(np.float64)
    whole = observed.clip(observed.least, observed.largest)
    # The whole range comes first, which wins if others are as good.
    shares: Doubles = np.arange(_TRIALS, 0, -1) / float(_TRIALS)
    lows, highs = whole.low * shares, whole.high * shares
    best = _best(centres, weights, lows, highs)
    low, high = float(lows[best]), float(highs[best])
    for _ in range(_ROUNDS if whole.low < 0 < whole.high else 0):
        tried = np.append(low, lows)
        low = float(tried[_best(centres, weights, tried, np.full(_TRIALS + 1, high))])
        tried = np.append(high, highs)
        high = float(tried[_best(centres, weights, np.full(_TRIALS + 1, low), tried)])
    return observed.clip(low, high)


def squared_error(observed: Observed, tried: Range) -> float:
    """The sum of the squared errors of all values in a range."""
    lows, highs = np.array([tried.low]), np.array([tried.high])
    weights = observed.nonzero_counts.astype(np.float64)
    return float(_errors(observed.centres, weights, lows, highs)[0])


def _best(centres: Doubles, weights: Doubles, lows: Doubles, highs: Doubles) -> int:
    return int(np.argmin(_errors(centres, weights, lows, highs)))


def _errors(
    centres: Doubles, weights: Doubles, lows: Doubles, highs: Doubles
) -> Doubles:
    """The error of each range, with the scale and zero point of the kernels."""
    widths = (highs - lows)[:, None] / STEPS
    scale = np.where(widths > 0, widths, 1.0)
    zero = np.rint(-lows[:, None] / scale)
    found = centres / scale
    np.rint(found, out=found)
    np.clip(found, -zero, STEPS - zero, out=found)
    found *= widths
    found -= centres
    np.square(found, out=found)
    # Not by @, whose sums depend on how many threads there are.
    return np.asarray(np.einsum("ij,j->i", found, weights))
