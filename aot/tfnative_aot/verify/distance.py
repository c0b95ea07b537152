# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How far an output is from the true answer, and how far it may be.

The true answer is that of the same graph in float64. TensorFlow's own answer is as far
from it as float32 makes it; ours may be as far, within a factor. The formulas, and why
they are these, are in docs/fidelity.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Real = npt.NDArray[np.float64]
Reach = Callable[[], Array | None]
"""What each element of an output sees; None if that is not known."""

FACTOR = 2.0
"""Our largest distance, in TensorFlow's largest."""

ULPS = 32
"""Units in the last place of the largest value that are always allowed."""

_SLICE_FACTOR = 8.0
_FEWEST_IN_SLICE = 16
_TYPICAL = 0.9
_TYPICAL_FACTOR = 4.0

_ULP = {"float32": 2.0**-23, "complex64": 2.0**-23, "float16": 2.0**-10}
_ULP["bfloat16"] = 2.0**-7
# Where TensorFlow itself is further away, it computes something else in float64.
_MOST = {"float32": 1e-3, "complex64": 1e-3, "float16": 5e-2, "bfloat16": 2e-1}


@dataclass(frozen=True)
class Distances:
    """Two answers' distances from the true one, in parts of its largest value.

    Attributes:
        own: Ours.
        tensorflow: TensorFlow's.
        scale: The largest value.
        tolerance: How far an answer that passes may be from TensorFlow's, in parts of
            the largest value of TensorFlow's.
        complaint: Why ours does not pass; "" if it does.
    """

    own: float
    tensorflow: float
    scale: float
    tolerance: float
    complaint: str


def why_not(expected: Array, exact: Array) -> str:
    """Why the float64 answer says nothing of an output; "" if it does.

    Args:
        expected: TensorFlow's own answer.
        exact: That of the graph in float64.
    """
    dtype = expected.dtype.name
    if dtype not in _MOST:
        return f"{dtype} is no shorter than float64"
    if expected.shape != exact.shape:
        return f"the float64 answer has the shape {list(exact.shape)}"
    if not (np.isfinite(_wide(expected)).all() and np.isfinite(exact).all()):
        return "not all values are finite"
    distance = _largest(np.abs(_wide(expected) - exact))
    scale = _largest(np.abs(exact))
    if distance > _MOST[dtype] * scale:
        return (
            "TensorFlow's own answer is "
            f"{distance / scale if scale else distance:.2g} from that in float64"
        )
    return ""


def distances(
    got: Array,
    expected: Array,
    exact: Array,
    *,
    rows: bool,
    reach: Reach | None = None,
) -> Distances:
    """Measures and judges an output for which ``why_not`` has nothing to say.

    Args:
        got: Our answer.
        expected: TensorFlow's own, of the same shape.
        exact: That of the graph in float64.
        rows: Whether the first dimension is the batch.
        reach: See ``worst_slice``.
    """
    own, theirs, size = _errors(got, expected, exact)
    scale = _largest(size)
    parts = 1 / (scale or 1.0)
    floor = ULPS * _ULP[expected.dtype.name]
    near = _largest(theirs) * parts
    found = Distances(
        own=_largest(own) * parts,
        tensorflow=near,
        scale=scale,
        tolerance=(max(FACTOR * near, floor) + near) / (1 - near),
        complaint="",
    )
    complaint = _too_far("the largest", found.own, near, FACTOR, floor) or _too_far(
        "that of one element in ten",
        _typical(own) * parts,
        _typical(theirs) * parts,
        _TYPICAL_FACTOR,
        floor,
    )
    if not complaint:
        complaint = worst_slice(
            got, expected, exact, rows=rows, usual=near, reach=reach
        )
    return replace(found, complaint=complaint)


def _too_far(what: str, own: float, near: float, factor: float, floor: float) -> str:
    allowed = max(factor * near, floor)
    if own <= allowed:
        return ""
    return (
        f"the distance from the answer in float64, {what}, is {own:.3g} of the largest "
        f"value, TensorFlow's {near:.3g}, allowed {allowed:.3g}"
    )


def worst_slice(
    got: Array,
    expected: Array,
    exact: Array,
    *,
    rows: bool,
    usual: float,
    least: float = 0.0,
    reach: Reach | None = None,
) -> str:
    """What is wrong in the part of an output where most is wrong, or "".

    Each row, each slice of a row in any of its dimensions, and the vector at each
    position of it has to be right by its own largest value and TensorFlow's own
    distance there; where it is not, by the largest of what its elements see. Rows in
    which something is not finite are left out.

    Args:
        got: Our answer.
        expected: TensorFlow's own, of the same shape.
        exact: That of the graph in float64.
        rows: Whether the first dimension is the batch.
        usual: TensorFlow's distance for ordinary inputs, in parts of the largest
            value. In few elements it may be smaller by luck.
        least: A value relative to which any slice may be judged: where all inputs are
            large, outputs may be tiny differences of large numbers.
        reach: What each element sees of the inputs (``reach.py``), asked only where
            values alone would refuse the output: that takes time.
    """
    complaint = _worst_slice(got, expected, exact, None, rows, usual, least)
    moved = reach() if complaint and reach is not None else None
    if moved is None or moved.shape != exact.shape:
        return complaint
    return _worst_slice(got, expected, exact, moved, rows, usual, least)


def _worst_slice(
    got: Array,
    expected: Array,
    exact: Array,
    moved: Array | None,
    rows: bool,
    usual: float,
    least: float,
) -> str:
    parts = _errors(got, expected, exact)
    sees = parts[2] if moved is None else np.maximum(parts[2], moved)
    own, theirs, size, seen = (
        part if rows and part.ndim else part[np.newaxis] for part in (*parts, sees)
    )
    floor = _SLICE_FACTOR * max(usual, ULPS * _ULP[expected.dtype.name])
    kept = np.isfinite(_by_row(theirs)) & np.isfinite(_by_row(size))
    own, theirs, size, seen = own[kept], theirs[kept], size[kept], seen[kept]
    worst, complaint = 1.0, ""
    for where, axes in _slices(own.ndim):
        many = np.count_nonzero(size, axis=axes) >= _FEWEST_IN_SLICE
        if not many.any():
            continue
        off, near = own.max(axis=axes)[many], theirs.max(axis=axes)[many]
        scale = size.max(axis=axes)[many]
        most = np.maximum(seen.max(axis=axes)[many], least)
        allowed = np.maximum(_SLICE_FACTOR * near, floor * most)
        ratio = np.where(np.isnan(off), np.inf, off / allowed)
        at = int(np.argmax(ratio))
        if ratio[at] > worst:
            worst = float(ratio[at])
            complaint = (
                f"in {where}, whose largest value is {scale[at]:.3g}, it is off by "
                f"{off[at]:.3g}, and TensorFlow by {near[at]:.3g}; "
                f"{allowed[at]:.3g} is allowed"
            )
    return complaint


def _slices(dimensions: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What slices are called, and the dimensions that each of them goes through."""
    inner = range(1, dimensions)
    yield "a row", tuple(inner)
    for axis in inner:
        if dimensions > 2:
            yield f"a slice of dimension {axis}", tuple(a for a in inner if a != axis)
    if dimensions > 3:
        yield "a vector of the last dimension", (dimensions - 1,)


def _errors(got: Array, expected: Array, exact: Array) -> tuple[Real, Real, Real]:
    with np.errstate(invalid="ignore", over="ignore"):
        own = np.abs(_wide(got) - exact)
        theirs = np.abs(_wide(expected) - exact)
        return own, theirs, np.abs(exact)


def _by_row(values: Real) -> Real:
    return np.asarray(values.sum(axis=tuple(range(1, values.ndim))))


def _wide(array: Array) -> npt.NDArray[Any]:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _largest(values: Real) -> float:
    return float(np.max(values, initial=0.0))


def _typical(values: Real) -> float:
    return float(np.quantile(values, _TYPICAL)) if values.size else 0.0
