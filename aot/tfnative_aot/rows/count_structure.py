# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops that put vectors of sizes together and take them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnative_aot.rows.count_state import CONSTANT, COUNT, State, joined, of_elements

STRUCTURE = frozenset(
    "ConcatV2 ExpandDims GatherV2 Identity IdentityN Pack Reshape Slice Snapshot Split "
    "Squeeze StopGradient StridedSlice Transpose Unpack".split()
)
_WHOLE = frozenset({"Identity", "Snapshot", "StopGradient", "ExpandDims", "Squeeze"})


def structured(op: Any, inputs: Sequence[State]) -> State:
    """Which of the result's elements are counts, as far as it is known.

    Of several results, those of any.
    """
    if any(state.kind == "spread" for state in inputs):
        return COUNT
    if op.type == "Pack":
        if all(tensor.shape.rank == 0 for tensor in op.inputs):
            return of_elements(state != CONSTANT for state in inputs)
        return joined(inputs)
    if op.type == "ConcatV2":
        parts = [
            _elements(tensor, state)
            for tensor, state in zip(op.inputs[:-1], inputs[:-1], strict=True)
        ]
        if any(part is None for part in parts):
            return joined(inputs)
        return of_elements(each for part in parts if part is not None for each in part)
    if op.type in _WHOLE:
        return inputs[0]
    mask = _elements(op.inputs[0], inputs[0])
    if mask is None or any(state != CONSTANT for state in inputs[1:]):
        return joined(inputs)
    return _taken(op, np.array(mask), inputs)


def _elements(tensor: Any, state: State) -> tuple[bool, ...] | None:
    if state.elements is not None:
        return state.elements
    if tensor.shape.rank != 1 or tensor.shape[0] is None:
        return None
    return (state != CONSTANT,) * int(tensor.shape[0])


def _taken(op: Any, mask: np.ndarray, inputs: Sequence[State]) -> State:
    """Elements of a vector that constants choose."""
    chosen = [tf.get_static_value(tensor) for tensor in op.inputs[1:]]
    if any(value is None for value in chosen):
        return joined(inputs)
    if op.type == "StridedSlice":
        value = _strided(op, mask, [int(each[0]) for each in chosen])
    elif op.type == "Slice":
        begin, size = (int(v[0]) for v in chosen)
        value = mask[begin:] if size < 0 else mask[begin : begin + size]
    elif op.type == "GatherV2":
        value = mask[chosen[0]]
    else:
        return joined(inputs)
    if value is None:
        return joined(inputs)
    return of_elements(np.atleast_1d(value).ravel().tolist())


def _strided(op: Any, mask: np.ndarray, bounds: Sequence[int]) -> np.ndarray | None:
    """What TensorFlow's StridedSlice takes of a vector."""
    begin, end, stride = bounds
    if op.get_attr("ellipsis_mask") or op.get_attr("new_axis_mask"):
        return None
    if op.get_attr("shrink_axis_mask"):
        return mask[[begin]]
    first = None if op.get_attr("begin_mask") else begin
    last = None if op.get_attr("end_mask") else end
    return mask[first:last:stride]
