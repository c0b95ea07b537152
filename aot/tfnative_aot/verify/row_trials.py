# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tries in TensorFlow whether rows depend on each other, where that is not proved.

No trial proves anything: rows may depend on each other in rare data only. What passes
is "tried", and is padded and split only if the user says so.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tfnative.errors import CompileError
from tfnative_aot.verify.samples import Arrays, Sampler, close, has_batch

_ROWS = 9
_KEPT = (1, 2, 3, 4, 8)

_Trial = tuple[Arrays, list[int], list[int], str]
"""Inputs; which rows of their outputs must be those of which rows of all; how they
differ."""


def find_dependence(sampler: Sampler) -> str:
    """How rows were seen to depend on each other, or "" if no trial shows it.

    Args:
        sampler: Draws inputs, and asks TensorFlow.
    """
    try:
        full = sampler.sample(_ROWS)
    except CompileError:
        return f"{_ROWS} rows are not taken, whatever is in them"
    batched = [t.name for t in sampler.graph.inputs if has_batch(t)]
    if not all(_has_rows(output, _ROWS) for output in full.outputs.values()):
        return "an output has no row for each row of the inputs"
    trials = [*_fewer(full.inputs, batched), *_changed(full.inputs, batched)]
    for inputs, places, rows, what in trials:
        try:
            outputs = sampler.reference(inputs)
        except Exception:  # TensorFlow refuses what was made of the inputs.
            continue
        for name, expected in full.outputs.items():
            got = outputs[name]
            if not _has_rows(got, len(inputs[batched[0]])) or not close(
                got[places], expected[rows]
            ):
                return f"rows of output {name!r} are others {what}"
    return ""


def _fewer(inputs: Arrays, batched: list[str]) -> Iterator[_Trial]:
    """The first rows alone, in another place, and twice."""
    for count in _KEPT:
        kept = {n: a[:count] if n in batched else a for n, a in inputs.items()}
        rows = list(range(count))
        yield kept, rows, rows, f"if there are only {count}"
    order = [*range(4, _ROWS), *range(4)]
    moved = {n: a[order] if n in batched else a for n, a in inputs.items()}
    yield moved, list(range(_ROWS)), order, "in another order"
    twice = [*range(_ROWS), *range(_ROWS)]
    more = {n: a[twice] if n in batched else a for n, a in inputs.items()}
    yield more, list(range(2 * _ROWS)), twice, "if there are more"


def _changed(inputs: Arrays, batched: list[str]) -> Iterator[_Trial]:
    """Each row in turn with other numbers in it."""
    for row in (0, 3, _ROWS - 1):
        others = [index for index in range(_ROWS) if index != row]
        for value in (1e6, 1e-30, 0.0, np.nan):
            changed = {
                n: _replaced(a, row, value) if n in batched else a
                for n, a in inputs.items()
            }
            yield changed, others, others, f"if {value:g} is in row {row}"


def _replaced(
    array: npt.NDArray[np.generic], row: int, value: float
) -> npt.NDArray[np.generic]:
    changed: npt.NDArray[np.generic] = array.copy()
    if array.dtype.kind in "fc" or array.dtype.name == "bfloat16":
        changed[row] = value
    elif array.dtype.kind in "biu":
        changed[row] = 0
    return changed


def _has_rows(array: npt.NDArray[np.generic], rows: int) -> bool:
    return array.ndim > 0 and len(array) == rows
