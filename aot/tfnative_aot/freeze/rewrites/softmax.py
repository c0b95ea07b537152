# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Softmax, and losses by it, whose largest element is as large as itself.

XLA computes what softmax reads once for the largest value and once more to subtract
that from. The second time, LLVM makes one operation of a multiplication and the
subtraction, which does not round the product: x * 0.35 minus its own largest value
is then not zero there, but -2321 where x is 1e12. Its exponential is zero, like all
others, and zero divided by zero is NaN.

A loss sums up products with labels, as TensorFlow does: that of a label of 0 and a
class that is impossible is NaN. XLA leaves out classes whose label is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.rule import element_type, of_any_shape

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def keep_largest(editor: GraphEditor) -> None:
    """Computes them and their losses with a difference that is zero by definition."""
    losses = "SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits"
    for node in editor.nodes(*losses):
        dtype = element_type(node)
        if node.op == losses[0] and not _reads_gradient(editor, node):
            editor.replace(node, _cross_entropy, of_any_shape(dtype, dtype))
        elif dtype in (tf.float32, tf.float64):
            # What is subtracted from all classes of a row makes no difference.
            between = editor.insert(node, 0, "Identity", node.attr["T"].type)
            editor.replace(between, _shifted, of_any_shape(dtype))
    compute = {"Softmax": _softmax, "LogSoftmax": _log_softmax}
    for node in editor.nodes(*compute):
        dtype = element_type(node)
        if dtype in (tf.float32, tf.float64):
            editor.replace(node, compute[node.op], of_any_shape(dtype))


def _reads_gradient(editor: GraphEditor, node: NodeDef) -> bool:
    second = f"{node.name}:1"
    return any(second in reader.input for reader in editor.readers(node))


def _cross_entropy(x: Any, labels: Any) -> Any:
    return tf.reduce_sum(-labels * _log_softmax(x), -1)


def _softmax(x: Any) -> Any:
    powers = tf.exp(_shifted(x))
    return powers / tf.reduce_sum(powers, -1, keepdims=True)


def _log_softmax(x: Any) -> Any:
    shifted = _shifted(x)
    return shifted - tf.math.log(tf.reduce_sum(tf.exp(shifted), -1, keepdims=True))


def _shifted(x: Any) -> Any:
    """How much smaller elements are than the largest of their row."""
    largest = tf.reduce_max(x, -1, keepdims=True)
    # Infinity minus itself is NaN, as it is in TensorFlow.
    own = largest - largest
    return tf.where(tf.equal(x, largest), own, x - largest)
