# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Parts samples into those that ranges are found of, and those that are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfnative_aot.quantize.calibrate.data import CalibrationData

LABELLED, PLAIN = 1000, 200
"""So many are judged by at most, with labels and without."""

FEWEST = 20
"""Fewer samples than these are not parted: all of them serve both."""

_SEED = 2018


@dataclass(frozen=True)
class Parted:
    """Samples for two purposes.

    Attributes:
        ranges: What ranges are found of.
        judged: What says how much is lost.
        held_out: Whether these are others.
    """

    ranges: CalibrationData
    judged: CalibrationData
    held_out: bool


def part(data: CalibrationData, for_ranges: int, judged: int) -> Parted:
    """Parts samples, the same ones always in the same way.

    Args:
        data: All of them; up to as many as both numbers together.
        for_ranges: How many ranges are found of, at most.
        judged: How many are judged by, at least; but half of all, if that is less.
    """
    if len(data) < FEWEST:
        return Parted(data, data, held_out=False)
    order = np.random.default_rng(_SEED).permutation(len(data)).tolist()
    count = min(for_ranges, len(data) - min(judged, len(data) // 2))
    return Parted(_some(data, order[:count]), _some(data, order[count:]), held_out=True)


def _some(data: CalibrationData, which: Sequence[int]) -> CalibrationData:
    chosen = sorted(which)  # Neighbours may share what has no rows.
    return replace(
        data,
        samples=tuple(data.samples[number] for number in chosen),
        places=tuple(data.places[number] for number in chosen),
    )
