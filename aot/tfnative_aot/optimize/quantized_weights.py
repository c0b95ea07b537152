# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Undoes what the tool's quantize_weights does to constants that it spoils.

Constants whose least and largest value are equal become NaN, as do those with NaN
in them. Numbers that are no weights, as bounds and steps, are left exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.load.reach import prune

if TYPE_CHECKING:
    from collections.abc import Collection

    from tensorflow.core.framework.node_def_pb2 import NodeDef

_STEPS = 255
_EXACT = frozenset(
    """ClipByValue CropAndResize FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel LinSpace NonMaxSuppressionV3 NonMaxSuppressionV4
    NonMaxSuppressionV5 CombinedNonMaxSuppression QuantizeV2 Range Dequantize
    QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 HistogramFixedWidth""".split()
)


def restore_spoilt(
    before: GraphDef, after: GraphDef, kept: Collection[str]
) -> GraphDef:
    """The quantized graph with constants that are no good in eight bits as they were.

    Args:
        before: The graph as the tool was given it.
        after: What the tool made of it.
        kept: Names of the nodes that are fed or fetched.
    """
    constants = {node.name: node for node in before.node if node.op == "Const"}
    quantized = [
        node.name
        for node in after.node
        if node.op == "Dequantize" and node.name in constants
    ]
    if not quantized:
        return after
    exact = _read_exactly(before)
    values = computed_values(after, quantized)
    spoilt = {
        name
        for name, value in zip(quantized, values, strict=True)
        if name in exact or not _is_good(constants[name], value)
    }
    restored = GraphDef()
    restored.CopyFrom(after)
    for node in restored.node:
        if node.name in spoilt:
            node.CopyFrom(constants[node.name])
    return prune(restored, kept)


def _read_exactly(graph_def: GraphDef) -> set[str]:
    return {name for node in graph_def.node if node.op in _EXACT for name in node.input}


def computed_values(graph_def: GraphDef, names: Collection[str]) -> Any:
    """What nodes that depend on no input compute."""
    with tf.Graph().as_default() as graph:
        part = prune(graph_def, names)
        tf.graph_util.import_graph_def(part, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run([f"{name}:0" for name in names])


def _is_good(constant: NodeDef, found: Any) -> bool:
    """Whether it is right to half a step, and a little more for rounding."""
    value = tf.make_ndarray(constant.attr["value"].tensor)
    if value.size < 2 or not np.all(np.isfinite(value)):
        return False
    least, largest = float(value.min()), float(value.max())
    if least == largest:
        return False
    # TensorFlow moves the range so that zero is one of the values.
    step = (max(largest, 0.0) - min(least, 0.0)) / _STEPS
    return bool(np.max(np.abs(found - value)) <= 0.5 * step * 1.01)
