# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How far two graphs' results are from each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tfnative.errors import CompileError
from tfnative_aot.load.source import Arrays

if TYPE_CHECKING:
    from tfnative_aot.optimize.graph import WholeGraph
    from tfnative_aot.optimize.session import GraphSession

_HUGE = 1e6
_APART = 1e4  # How many times larger than all others a huge value is.

Outputs = dict[tuple[str, str], list[NDArray[Any]]]
"""By signature and output: arrays, one for each batch."""


@dataclass(frozen=True)
class Distance:
    """How far results are from others.

    Attributes:
        error: Largest difference, as a part of the largest value of its output: of a
            huge value, of the largest huge one; of others, of the largest other one.
            Of integers, truth values and strings: the share that differs. None if
            nothing was compared.
        same_top1: Share of rows whose largest value is at the same place, or None.
        problem: What no number can say, or "".
        compared: How many finite numbers, integers, truth values or strings were
            compared; None if all outputs are random, or were not looked at.
    """

    error: float | None
    same_top1: float | None
    problem: str = ""
    compared: int | None = None


def run_all(
    session: GraphSession, graph: WholeGraph, samples: Mapping[str, Sequence[Arrays]]
) -> Outputs:
    """What a graph gives for all samples.

    Raises:
        CompileError: TensorFlow fails.
    """
    found: Outputs = {}
    for ends in graph.ends:
        name = ends.signature.name
        for batch in samples[name]:
            try:
                outputs = session.run(ends, batch)
            except Exception as error:  # Whatever TensorFlow raises.
                raise CompileError(
                    f"TensorFlow cannot run signature {name!r}: {error}"
                ) from error
            for output, array in outputs.items():
                found.setdefault((name, output), []).append(np.asarray(array))
    return found


def distance(
    got: Outputs, expected: Outputs, random: Collection[tuple[str, str]] = ()
) -> Distance:
    """Compares results; of ``random`` outputs, types and shapes alone."""
    errors: list[float] = []
    tops: list[NDArray[np.bool_]] = []
    compared: int | None = None
    for place, arrays in expected.items():
        problem = _problem(got[place], arrays, values=place not in random)
        if problem:
            return Distance(None, None, f"output {place[1]!r} {problem}")
        if place in random:
            continue
        count = sum(map(finite_count, arrays))
        compared = (compared or 0) + count
        if count or not any(array.size for array in arrays):
            errors.append(_error(got[place], arrays))
        tops += _tops(got[place], arrays)
    return Distance(
        max(errors, default=None),
        float(np.mean(np.concatenate(tops))) if tops else None,
        compared=compared,
    )


def finite_count(array: NDArray[Any]) -> int:
    """How many elements can be compared: all but infinity and NaN."""
    if array.dtype.kind in "biuOSU":
        return array.size
    return int(np.count_nonzero(np.isfinite(_wide(array))))


def varying(first: Outputs, second: Outputs) -> frozenset[tuple[str, str]]:
    """Which outputs are not the same when the same graph runs twice."""
    return frozenset(
        place
        for place in first
        if _problem(second[place], first[place], values=True)
        or _error(second[place], first[place]) > 1e-5
    )


def _problem(
    got: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]], *, values: bool
) -> str:
    for a, b in zip(got, expected, strict=True):
        if a.dtype != b.dtype:
            return f"is {a.dtype.name}, and was {b.dtype.name}"
        if values and a.shape != b.shape:
            return f"has the shape {list(a.shape)}, and had {list(b.shape)}"
        if values and b.dtype.kind not in "biuOSU":
            wide_a, wide_b = _wide(a), _wide(b)
            if np.any(np.isnan(wide_a) & ~np.isnan(wide_b)):
                return "has NaN where there was none"
            if np.any(~np.isfinite(wide_b) & (wide_a != wide_b) & ~np.isnan(wide_b)):
                return "is not infinite where it was"
            if np.any(~np.isfinite(wide_a) & np.isfinite(wide_b)):
                return "is infinite where it was not"
    return ""


def _error(got: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]) -> float:
    if expected[0].dtype.kind in "biuOSU":
        differ = [a != b for a, b in zip(got, expected, strict=True)]
        return float(np.mean(np.concatenate([each.ravel() for each in differ])))
    finite = [np.isfinite(_wide(array)) for array in expected]
    was, now = (
        np.concatenate([_wide(a)[f] for a, f in zip(arrays, finite, strict=True)])
        for arrays in (expected, got)
    )
    sizes, differences = np.abs(was), np.abs(now - was)
    limit = _huge_from(sizes)
    return max(
        _relative(differences[part], sizes[part])
        for part in (sizes < limit, sizes >= limit)
    )


def _relative(differences: NDArray[Any], sizes: NDArray[Any]) -> float:
    largest = float(np.max(differences, initial=0.0))
    scale = float(np.max(sizes, initial=0.0))
    if largest == 0:
        return 0.0
    return largest / scale if scale else float("inf")


def _huge_from(sizes: NDArray[Any]) -> float:
    """From which size on values are masks, as -1e9, by which no other is judged."""
    if not np.any(sizes >= _HUGE):
        return float("inf")
    known = np.unique(sizes[sizes > 0])
    apart = known[1:] > _APART * known[:-1]
    huge = known[1:][apart & (known[1:] >= _HUGE)]
    return float(huge[0]) if huge.size else float("inf")


def _tops(
    got: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]
) -> Iterator[NDArray[np.bool_]]:
    for a, b in zip(got, expected, strict=True):
        is_real = b.dtype.kind not in "biuOSUc"
        if is_real and b.ndim == 2 and b.shape[1] > 1 and len(b):
            yield np.argmax(_wide(a), 1) == np.argmax(_wide(b), 1)


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
