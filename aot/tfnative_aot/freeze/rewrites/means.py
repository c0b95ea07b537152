# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Takes means as TensorFlow does: of sums that may be too large, and by a division.

It adds integers of 32 bits up in 64 bits, where XLA's sum wraps around. A mean in
float16 is a sum in float16 that is divided, and so infinite where the sum is; XLA
divides a sum in float32. It multiplies by the reciprocal of the number of elements,
so that the mean of 41 ones would not be 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.divisions import divide_by_constant
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
_DIVIDED = (tf.float32, tf.float64, tf.float16)


def _mean(node: NodeDef) -> Replacement | None:
    dtype, keeps = element_type(node), node.attr["keep_dims"].b
    specs = of_any_shape(dtype, element_type(node, "Tidx"))
    if dtype in _WIDE:

        def wide(x: Any, axes: Any) -> Any:
            mean = tf.raw_ops.Mean(
                input=tf.cast(x, _WIDE[dtype]), axis=axes, keep_dims=keeps
            )
            return tf.cast(mean, dtype)

        return Replacement(wide, specs)
    if dtype not in _DIVIDED:
        return None

    def divided(x: Any, axes: Any) -> Any:
        total = tf.raw_ops.Sum(input=x, axis=axes, keep_dims=keeps)
        # Of the sizes that are known, and not of the number of rows.
        kept = axes % tf.cast(tf.rank(x), axes.dtype)
        count = tf.reduce_prod(tf.gather(tf.shape(x, axes.dtype), kept))
        return divide_by_constant(total, count)

    return Replacement(divided, specs)


RULES: Mapping[str, Rule] = {"Mean": _mean}
