# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Differences of equal numbers, which are zero.

LLVM makes one operation of a multiplication and the subtraction that follows, which
does not round the product. So x * c minus its own largest value is what rounding took
away there, where TensorFlow's is 0. All other differences have TensorFlow's sign, and
are off by what rounding took at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.rule import element_type, of_any_shape

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_PRODUCTS = frozenset({"Mul", "Square"})
_MOVES = frozenset(
    {
        "BroadcastTo",
        "ExpandDims",
        "Identity",
        "PreventGradient",
        "Reshape",
        "Slice",
        "Snapshot",
        "Squeeze",
        "StopGradient",
        "StridedSlice",
        "Tile",
        "Transpose",
    }
)
_TYPES = ("float32", "float64")


def keep_zeros(editor: GraphEditor) -> None:
    """Replaces differences of products by those that are zero where they are equal."""
    compute = {"Sub": subtract, "SquaredDifference": _squared, "Cross": _cross}
    for node in editor.nodes(*compute):
        dtype = element_type(node)
        if dtype.name not in _TYPES:
            continue
        is_product = node.op == "Cross" or any(
            _is_product(editor, node, place) for place in (0, 1)
        )
        if is_product:
            editor.replace(node, compute[node.op], of_any_shape(dtype, dtype))


def _is_product(editor: GraphEditor, node: NodeDef, place: int) -> bool:
    source = editor.source(node, place)
    while source is not None and source.op in _MOVES:
        source = editor.source(source, 0)
    return source is not None and source.op in _PRODUCTS


def subtract(a: Any, b: Any) -> Any:
    """The difference of two tensors, 0 where they are equal."""
    # Infinity minus itself is NaN; the difference of zeros has a sign.
    return tf.where(tf.equal(a, b) & tf.not_equal(b, 0), b - b, a - b)


def _squared(a: Any, b: Any) -> Any:
    difference = subtract(a, b)
    return difference * difference


def _cross(a: Any, b: Any) -> Any:
    def turned(x: Any, places: list[int]) -> Any:
        return tf.gather(x, places, axis=-1)

    one, two = [1, 2, 0], [2, 0, 1]
    return subtract(turned(a, one) * turned(b, two), turned(a, two) * turned(b, one))
