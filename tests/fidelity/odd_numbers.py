# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers that ops may treat in ways of their own, and what kind each of them is."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

KINDS = ("NaN", "infinite", "zero", "denormal", "extreme", "ordinary")
WIDTHS = (5, 37)
"""Lengths of rows: shorter than vectors, and longer, with a rest."""


def odd_numbers(dtype: Any) -> NDArray[Any]:
    """Some of each kind, in a type."""
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        values = [0, 1, 2, 3, 7, info.max, info.max - 1, info.min, info.min + 1]
        values += [-1, -2, -3, -7] if kind.kind == "i" else []
        return np.array(values, kind)
    limits: Any = ml_dtypes.finfo(kind)  # type: ignore[no-untyped-call]
    tiny, least = float(limits.smallest_normal), float(limits.smallest_subnormal)
    most = float(limits.max)
    values = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny, least, -least]
    values += [tiny / 2, most, -most, 1.0, -1.0, 0.5, 2.0, -2.5, 3.0, 1.5, -0.5]
    values += [100.0, -100.0, 1e-3]
    return np.array(values, np.float64).astype(kind)


def kinds(values: NDArray[Any]) -> NDArray[np.object_]:
    """The kind of each number."""
    if values.dtype.kind in "biu":
        return np.full(values.shape, "ordinary", object)
    limits: Any = ml_dtypes.finfo(values.dtype)  # type: ignore[no-untyped-call]
    size = np.abs(values.astype(np.float64))
    tiny, most = float(limits.smallest_normal), float(limits.max)
    found = np.full(values.shape, "ordinary", object)
    found[(size == tiny) | (size == most)] = "extreme"
    found[(size > 0) & (size < tiny)] = "denormal"
    found[size == 0] = "zero"
    found[np.isinf(size)] = "infinite"
    found[np.isnan(size)] = "NaN"
    return found


def odd_inputs(dtype: Any) -> dict[str, NDArray[Any]]:
    """Inputs of a model: all pairs, and rows and images with a pair in each.

    Returns:
        ``x`` and ``y``: each number with each. ``row5`` and ``row37``: rows of so many
        numbers. ``sum5`` and ``sum37``: the same without what rounding would decide.
        ``image`` and ``sumimage``: likewise, (rows, 6, 6, 2).
    """
    values = odd_numbers(dtype)
    x, y = np.repeat(values, len(values)), np.tile(values, len(values))
    inputs = {"x": x, "y": y}
    random = np.random.RandomState(0)
    few = [1, 2, 3, 0.5, -1, -2] if values.dtype.kind == "f" else [1, 2, 3]
    for width in WIDTHS:
        row = random.choice(few, (len(x), width)).astype(values.dtype)
        for line, pair in zip(row, zip(x, y, strict=True), strict=True):
            line[random.choice(width, 2, replace=False)] = pair
        inputs[f"row{width}"] = row
        decided = np.isin(kinds(row), ["extreme", "denormal"])
        inputs[f"sum{width}"] = np.where(decided, values.dtype.type(1), row)
    if values.dtype.kind not in "iu":
        image = random.choice([-1.0, 0.5, 2.0, 3.0], (48, 6, 6, 2))
        places = random.randint(0, image.size, 200)
        image.reshape(-1)[places] = values[np.arange(200) % len(values)]
        inputs["image"] = image = image.astype(values.dtype)
        decided = np.isin(kinds(image), ["extreme", "denormal"])
        inputs["sumimage"] = np.where(decided, values.dtype.type(1), image)
    return inputs
