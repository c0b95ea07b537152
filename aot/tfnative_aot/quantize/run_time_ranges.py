# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What products in 8 bits are compared with: TensorFlow, with rows that are rounded.

The kernel multiplies whole numbers, and the graph here floats that stand for the same
numbers. Both differ by rounding alone, but for a number that lies in the middle between
two steps: a difference in its last bit makes it the one or the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.freeze.rewrites.bodies import rewrite_bodies
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.rule import of_any_shape
from tfnative_aot.freeze.value_flow import Place
from tfnative_aot.load.source import node_of
from tfnative_aot.quantize.small_weights import FEWEST, referring_to
from tfnative_aot.quantize.weight_uses import PRODUCTS, find_weights
from tfnative_aot.split.divide import Prepared

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_ROUNDED = (*PRODUCTS, "Conv2D")
_LEVELS = 255.0
_LEAST_WIDTH = 2.0**-117


def with_run_time_ranges(prepared: Prepared) -> Prepared:
    """The signature with a reference that rounds what its programs round.

    Args:
        prepared: A signature whose weights are rounded, and whose programs agree.
    """
    graph_def = rounding_rows(prepared.graph, prepared.products)
    made = replace(prepared, weights_alone=prepared.weights_alone or prepared.model)
    return referring_to(made, graph_def)


def rounding_rows(graph: FrozenGraph, products: Collection[str]) -> GraphDef:
    """The graph with what some products multiply rounded, each row by itself.

    Args:
        graph: A signature whose weights are rounded.
        products: Nodes that multiply with weights, in loops and branches, too.
    """
    outputs = {node_of(tensor.tensor) for tensor in graph.outputs}
    operands = {
        use.reader: 1 - use.operand
        for weight in find_weights(graph.graph_def, outputs, FEWEST)
        for use in weight.uses
        if use.reader.node in products
    }
    inputs = {node_of(tensor.tensor) for tensor in graph.inputs}  # Read or not.
    editor = GraphEditor(graph.graph_def, outputs | inputs)
    _round_rows(editor, operands)
    graph_def = editor.graph_def()
    rewrite_bodies(graph_def, _ROUNDED, lambda body: _round_rows(body, operands))
    return graph_def


def _round_rows(editor: GraphEditor, operands: Mapping[Place, int]) -> None:
    for node in editor.nodes(*_ROUNDED):
        operand = operands.get(Place(editor.function, node.name))
        if operand is not None:
            _round(editor, node, operand)


def _round(editor: GraphEditor, node: NodeDef, operand: int) -> None:
    number = tf.float32.as_datatype_enum
    between = editor.insert(node, operand, "Identity", number)
    axes = list(_summed(node, operand))
    editor.replace(between, lambda x: round_rows(x, axes), of_any_shape(tf.float32))


def _summed(node: NodeDef, operand: int) -> Iterator[int]:
    """The dimensions of an operand that a product sums over."""
    if node.op == "Conv2D":
        yield -1  # Of one pixel.
    elif node.op == "Einsum":
        equation = node.attr["equation"].s.decode().replace(" ", "")
        inputs, _, output = equation.partition("->")
        labels = inputs.split(",")[operand]
        yield from (dim for dim, label in enumerate(labels) if label not in output)
    else:
        plain = node.op == "MatMul"
        flags = ("transpose_a", "transpose_b") if plain else ("adj_x", "adj_y")
        yield -2 if node.attr[flags[operand]].b == (operand == 0) else -1


def round_rows(x: Any, axes: list[int]) -> Any:
    """Numbers as ``matmul_int8_dynamic`` of kernels.h has them, in floats.

    Args:
        x: A tensor of float32.
        axes: The dimensions that make a row.
    """
    low = tf.minimum(tf.reduce_min(x, axes, keepdims=True), 0.0)
    high = tf.maximum(tf.reduce_max(x, axes, keepdims=True), 0.0)
    whole = high - low
    is_huge = tf.math.is_inf(whole)
    width = tf.where(is_huge, high * 0.5 - low * 0.5, whole)
    levels = tf.where(is_huge, _LEVELS / 2, _LEVELS)
    scale, inverse = width / levels, levels / width
    zero = tf.clip_by_value(tf.round(-low * inverse), 0.0, _LEVELS)
    steps = tf.clip_by_value(tf.round(x * inverse) + zero, 0.0, _LEVELS)
    found = (steps - zero) * scale
    return tf.where(whole < _LEAST_WIDTH, tf.zeros_like(x), found)
