# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that are whole numbers of some step already, as training left them.

FakeQuant of weights, Dequantize, and what folds the scales of a normalization into
them, all leave multiples of one step in a channel. Whole numbers of that very step are
the weights themselves, where those of any other are rounded once more.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_TRIED_FIRST = 64
_NEAR = 1e-3
"""Parts of a step: float32 has the multiples a few times 2**-24 of them away."""

Doubles = npt.NDArray[np.float64]


def own_steps(flat: Doubles, most: int) -> Doubles:
    """The largest step of each channel of which its weights are whole numbers.

    Args:
        flat: (weights of a channel, channels), none of them below zero.
        most: The largest number that there may be.

    Returns:
        (channels,): the step, or 0 where there is none.
    """
    largest: Doubles = flat.max(axis=0)
    found: Doubles = np.zeros(largest.shape)
    first = -np.sort(-flat, axis=0)[:: max(1, len(flat) // _TRIED_FIRST)]
    undecided = largest > 0
    for number in range(1, most + 1):
        columns = np.flatnonzero(undecided)
        if not columns.size:
            break
        steps = largest[columns] / number
        for kept in (first, flat):
            is_whole = _are_whole(kept[:, columns], steps)
            columns, steps = columns[is_whole], steps[is_whole]
        found[columns] = steps
        undecided[columns] = False
    return found


def _are_whole(flat: Doubles, steps: Doubles) -> npt.NDArray[np.bool_]:
    counts = flat / steps
    return np.asarray((np.abs(counts - np.rint(counts)) <= _NEAR).all(axis=0))
