# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs of which a part is far larger or far smaller than the rest.

Or as large, but numbers of which each sum is rounded: those that are drawn have so few
bits that their sums are exact, however long, and in whatever order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.verify.samples import Arrays, has_batch

_FACTORS = (1e6, 1e-6, 1e3)
ALL_BITS = np.e / 2
"""Of a whole row. What is multiplied by it has no short form."""


@dataclass(frozen=True)
class Scaling:
    """How a row is changed.

    Attributes:
        axis: Of the row; in it, one place in the middle is scaled, or half of all
            places if ``factor`` is small. None: the whole row is.
        factor: What it is multiplied by.
    """

    axis: int | None
    factor: float


def scalings(tensors: Iterable[GraphTensor]) -> list[Scaling]:
    """All that is tried, for the dimensions that inputs have; the harshest first."""
    ranks = [len(t.shape or ()) - has_batch(t) for t in tensors if _is_real(t.dtype)]
    axes = [*range(max(ranks, default=0))] if ranks else []
    places: list[int | None] = [*axes, None] if ranks else []
    found = [Scaling(at, factor) for factor in _FACTORS for at in places]
    if found:
        found.insert(len(places), Scaling(None, ALL_BITS))
    return found


def scaled(
    inputs: Arrays, tensors: Iterable[GraphTensor], chosen: list[Scaling]
) -> Arrays:
    """Inputs of which each row is scaled in another way.

    Args:
        inputs: The inputs.
        tensors: Says which of them have rows.
        chosen: A scaling for each row; the first one is for inputs without rows.
    """
    return {t.name: _scaled(inputs[t.name], t, chosen) for t in tensors}


def batches(
    rows: int, all_of_them: list[Scaling], most: int
) -> Iterator[list[Scaling]]:
    """Scalings in groups of ``rows``, at most ``most`` of them, rows filled up."""
    for first in range(0, min(len(all_of_them), most), rows):
        group = all_of_them[first : first + rows]
        yield [group[row % len(group)] for row in range(rows)]


def _scaled(
    array: npt.NDArray[np.generic], tensor: GraphTensor, chosen: list[Scaling]
) -> npt.NDArray[np.generic]:
    if not _is_real(tensor.dtype):
        return array
    if not has_batch(tensor):
        return _scaled_row(array, chosen[0])
    if not len(array):
        return array
    # A model that takes other rows than were asked for has fewer or more of them.
    kinds = itertools.cycle(chosen)
    rows = [_scaled_row(row, how) for row, how in zip(array, kinds, strict=False)]
    return np.stack(rows)


def _scaled_row(row: npt.NDArray[Any], how: Scaling) -> npt.NDArray[Any]:
    factors = np.ones(row.shape)
    if how.axis is None:
        factors[...] = how.factor
    elif how.axis < row.ndim:
        size = row.shape[how.axis]
        places = slice(size // 2, size // 2 + 1)
        if how.factor < 1:
            places = slice(0, size // 2)
        factors[(slice(None),) * how.axis + (places,)] = how.factor
    with np.errstate(over="ignore"):
        return np.asarray(row * factors, row.dtype)


def _is_real(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat", "complex"))
