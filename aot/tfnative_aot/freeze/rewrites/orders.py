# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Puts NaN where TensorFlow's kernels put it among other numbers.

TensorFlow compares, and every comparison with NaN is false: so ArgMax and ArgMin pass
over it, while the search for the first boundary above it goes on to the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import (
    Replacement,
    Rule,
    element_type,
    of_any_shape,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

_INFINITY = float("inf")


def _arg_extreme(op: Callable[..., Any], *, largest: bool) -> Rule:
    """The first index of what is beyond the type's own limit, or 0."""

    def rule(node: NodeDef) -> Replacement | None:
        dtype = element_type(node)
        if not dtype.is_floating:
            return None
        index = element_type(node, "output_type")

        def find(x: Any, dimension: Any) -> Any:
            if largest:
                known = tf.where(x > dtype.min, x, tf.cast(-_INFINITY, dtype))
            else:
                known = tf.where(x < dtype.max, x, tf.cast(_INFINITY, dtype))
            return op(input=known, dimension=dimension, output_type=index)

        return Replacement(find, of_any_shape(dtype, element_type(node, "Tidx")))

    return rule


def _bucketize(node: NodeDef) -> Replacement | None:
    dtype = element_type(node)
    if not dtype.is_floating or not node.attr["boundaries"].list.f:
        return None
    boundaries = list(node.attr["boundaries"].list.f)

    def count(x: Any) -> Any:
        found = tf.raw_ops.Bucketize(input=x, boundaries=boundaries)
        return _last_for_nan(x, found, len(boundaries))

    return Replacement(count, of_any_shape(dtype))


def _upper_bound(node: NodeDef) -> Replacement | None:
    dtype, index = element_type(node), element_type(node, "out_type")
    if not dtype.is_floating:
        return None

    def count(numbers: Any, x: Any) -> Any:
        found = tf.raw_ops.UpperBound(sorted_inputs=numbers, values=x, out_type=index)
        return _last_for_nan(x, found, tf.shape(numbers)[1])

    return Replacement(count, of_any_shape(dtype, dtype))


def _last_for_nan(x: Any, found: Any, count: Any) -> Any:
    return tf.where(x == x, found, tf.cast(count, found.dtype))


def _in_top(node: NodeDef) -> Replacement:
    """No class is among the first of a row that is not finite."""
    ids = element_type(node)

    def decide(predictions: Any, targets: Any, k: Any) -> Any:
        found = tf.raw_ops.InTopKV2(predictions=predictions, targets=targets, k=k)
        classes = tf.cast(tf.shape(predictions)[1], targets.dtype)
        is_class = (targets >= 0) & (targets < classes)
        return found & is_class & tf.reduce_all(tf.math.is_finite(predictions), 1)

    specs = [tf.TensorSpec([None, None], tf.float32), *of_any_shape(ids, ids)]
    return Replacement(decide, specs)


RULES: Mapping[str, Rule] = {
    "ArgMax": _arg_extreme(lambda **given: tf.raw_ops.ArgMax(**given), largest=True),
    "ArgMin": _arg_extreme(lambda **given: tf.raw_ops.ArgMin(**given), largest=False),
    "Bucketize": _bucketize,
    "InTopKV2": _in_top,
    "UpperBound": _upper_bound,
}
