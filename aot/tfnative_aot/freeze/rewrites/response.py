# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Local response normalization, by the products of TensorFlow's own kernel.

It multiplies all channels by a matrix of ones and zeros, so that one NaN, or a square
that overflows, makes NaN of channels that are far from it. XLA adds up those nearby.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, Rule, element_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef


def _normalize(node: NodeDef) -> Replacement | None:
    dtype = element_type(node)
    if dtype != tf.float32:
        return None
    radius = node.attr["depth_radius"].i
    bias, alpha, beta = (node.attr[name].f for name in ("bias", "alpha", "beta"))

    def compute(x: Any) -> Any:
        depth = tf.shape(x)[3]
        places = tf.range(depth)
        near = tf.abs(places[:, None] - places) <= radius
        squares = tf.reshape(tf.square(x), tf.stack([-1, depth]))
        sums = tf.matmul(squares, tf.cast(near, dtype)) * alpha + bias
        return x * tf.reshape(_power(sums, beta), tf.shape(x))

    return Replacement(compute, [tf.TensorSpec([None, None, None, None], dtype)])


def _power(sums: Any, beta: float) -> Any:
    if beta == 1:
        return 1 / sums
    if beta == 0.5:
        return tf.math.rsqrt(sums)
    return tf.exp(tf.math.log(sums) * -beta)


RULES: Mapping[str, Rule] = {"LRN": _normalize}
