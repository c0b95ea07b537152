# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Softmax whose largest element is exactly as large as itself.

XLA computes what softmax reads once for the largest value and once more to subtract
that from. The second time, LLVM makes one operation of a multiplication and the
subtraction, which does not round the product: x * 0.35 minus its own largest value
is then not zero there, but -2321 where x is 1e12. Its exponential is zero, like all
others, and zero divided by zero is NaN.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor


def keep_largest(editor: GraphEditor) -> None:
    """Replaces Softmax by the same with a difference that is zero by definition."""
    for node in editor.nodes("Softmax"):
        if node.attr["T"].type == tf.float32.as_datatype_enum:
            editor.replace(node, _softmax, [tf.TensorSpec(None, tf.float32)])


def _softmax(x: Any) -> Any:
    largest = tf.reduce_max(x, -1, keepdims=True)
    # Infinity minus itself is NaN, as it is in TensorFlow.
    own = largest - largest
    powers = tf.exp(tf.where(tf.equal(x, largest), own, x - largest))
    return powers / tf.reduce_sum(powers, -1, keepdims=True)
