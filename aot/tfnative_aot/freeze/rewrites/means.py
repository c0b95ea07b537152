# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Takes means of numbers whose sum is too large for their type as TensorFlow does.

It adds integers of 32 bits up in 64 bits, where XLA's sum wraps around. A mean in
float16 is a sum in float16 that is divided, and so infinite where the sum is; XLA
divides a sum in float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot import adapters
from tfnative_aot.freeze.rewrites.extremes import places_around
from tfnative_aot.freeze.rewrites.rule import (
    Replacement,
    element_type,
    of_any_shape,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.rule import Rule

_WIDE = {tf.int32: tf.int64, tf.uint32: tf.uint64}


def _mean(node: NodeDef) -> Replacement | None:
    dtype, keeps = element_type(node), node.attr["keep_dims"].b
    specs = of_any_shape(dtype, element_type(node, "Tidx"))
    if dtype in _WIDE:

        def wide(x: Any, axis: Any) -> Any:
            mean = tf.raw_ops.Mean(
                input=tf.cast(x, _WIDE[dtype]), axis=axis, keep_dims=keeps
            )
            return tf.cast(mean, dtype)

        return Replacement(wide, specs)
    if dtype != tf.float16:
        return None

    def divided(x: Any, axis: Any) -> Any:
        total = tf.raw_ops.Sum(input=x, axis=axis, keep_dims=keeps)
        count = tf.size(x) // tf.maximum(tf.size(total), 1)
        return _quotient(total, tf.cast(count, dtype))

    return Replacement(divided, specs)


def _average_pool(node: NodeDef) -> Replacement | None:
    """Of float16: sums in it, one pixel after the other, that are divided."""
    dtype = element_type(node)
    if dtype != tf.float16 or node.attr["data_format"].s == b"NCHW":
        return None
    window, strides = (list(node.attr[name].list.i) for name in ("ksize", "strides"))
    padding = node.attr["padding"].s.decode()

    def pool(x: Any) -> Any:
        like = tf.raw_ops.AvgPool(
            value=x, ksize=window, strides=strides, padding=padding
        )
        shape = tf.shape(like)
        around = places_around(x, shape, window, strides, padding)
        zero = tf.constant(0, dtype)
        total, count = (
            adapters.tf().reduce_window(each, zero, _add, window, strides, around)
            for each in (x, tf.ones_like(x[:1, :, :, :1]))
        )
        return tf.reshape(_quotient(total, count), shape)

    return Replacement(pool, [tf.TensorSpec([None] * 4, dtype)])


def _quotient(total: Any, count: Any) -> Any:
    """In float32, where XLA's product with the reciprocal of a constant is as good."""
    wide = tf.cast(total, tf.float32) / tf.cast(count, tf.float32)
    return tf.cast(wide, total.dtype)


def _add(known: Any, x: Any) -> Any:
    return known + x


RULES: Mapping[str, Rule] = {"AvgPool": _average_pool, "Mean": _mean}
