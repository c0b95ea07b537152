# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Single numbers that a graph computes from constants alone."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

PASSES_ON = ("Cast", "Identity", "StopGradient")
_MOST_STEPS = 12

_BINARY: Mapping[str, Callable[[float, float], float]] = {
    "Add": operator.add,
    "AddV2": operator.add,
    "Div": operator.truediv,
    "Maximum": max,
    "Minimum": min,
    "Mul": operator.mul,
    "RealDiv": operator.truediv,
    "Sub": operator.sub,
}


def scalar(editor: GraphEditor, node: NodeDef, place: int) -> float | None:
    """The value of input number ``place``, if it is a number that nothing changes."""
    return _scalar(editor, node, place, _MOST_STEPS)


def _scalar(editor: GraphEditor, node: NodeDef, place: int, steps: int) -> float | None:
    source = editor.source(node, place)
    if source is None or not steps:
        return None
    if source.op == "Const":
        tensor = source.attr["value"].tensor
        if not _is_one_number(tensor):
            return None
        return float(tf.make_ndarray(tensor).reshape(()))
    if source.op in PASSES_ON:
        return _scalar(editor, source, 0, steps - 1)
    if source.op not in _BINARY:
        return None
    left = _scalar(editor, source, 0, steps - 1)
    right = _scalar(editor, source, 1, steps - 1)
    if left is None or right is None:
        return None
    try:
        return _BINARY[source.op](left, right)
    except (ArithmeticError, ValueError):
        return None


def _is_one_number(tensor: object) -> bool:
    dtype = tf.dtypes.as_dtype(tensor.dtype)  # type: ignore[attr-defined]
    if not (dtype.is_floating or dtype.is_integer):
        return False
    return all(dim.size == 1 for dim in tensor.tensor_shape.dim)  # type: ignore[attr-defined]
