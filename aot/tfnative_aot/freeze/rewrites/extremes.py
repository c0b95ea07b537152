# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Takes extremes of numbers among which there is NaN as TensorFlow's kernels do.

Reductions and element-wise extremes of NaN are NaN. Pooling passes over NaN; a segment
begins anew after each; and what is scattered is passed over if it is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot import adapters
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
# TensorFlow begins with the lowest number of these types, with minus infinity else.
_FROM_LOWEST = (tf.float32, tf.float64)


def _pool(op: Callable[..., Any]) -> Rule:
    def rule(node: NodeDef) -> Replacement | None:
        dtype = element_type(node)
        window = list(node.attr["ksize"].list.i)
        strides = list(node.attr["strides"].list.i)
        padding = node.attr["padding"].s.decode()
        form = node.attr["data_format"].s.decode()
        if not dtype.is_floating or padding not in ("SAME", "VALID"):
            return None
        lowest = dtype.min if dtype in _FROM_LOWEST else -_INFINITY

        def pool(x: Any) -> Any:
            given = {"data_format": form} if form else {}
            like = op(input=x, ksize=window, strides=strides, padding=padding, **given)
            shape = tf.shape(like)
            around = places_around(x, shape, window, strides, padding)
            pooled = adapters.tf().reduce_window(
                x, tf.cast(lowest, dtype), _larger, window, strides, around
            )
            return tf.reshape(pooled, shape)  # XLA's op does not tell TensorFlow.

        return Replacement(pool, [tf.TensorSpec([None] * len(window), dtype)])

    return rule


def places_around(
    x: Any, shape: Any, window: Sequence[int], strides: Sequence[int], padding: str
) -> Any:
    """How many places there are before and after those of ``x``, by dimension."""
    if padding == "VALID":
        return tf.constant([[0, 0]] * len(window))
    # Not of the rows, whose number decides nothing here.
    reached = (shape[1:] - 1) * strides[1:] + window[1:] - tf.shape(x)[1:]
    total = tf.maximum(reached, 0)
    sizes = tf.stack([total // 2, total - total // 2], 1)
    return tf.concat([[[0, 0]], sizes], 0)


def _larger(known: Any, x: Any) -> Any:
    return tf.where(x > known, x, known)


def _segments(*, largest: bool) -> Rule:
    def rule(node: NodeDef) -> Replacement | None:
        dtype = element_type(node)
        if not dtype.is_floating:
            return None
        start = dtype.min if largest else dtype.max

        def join(known: Any, x: Any) -> Any:
            return tf.where(known > x if largest else known < x, known, x)

        def reduce(data: Any, ids: Any, count: Any) -> Any:
            rest = tf.shape(data)[tf.rank(ids) :]
            width = tf.reduce_prod(rest)
            number = tf.cast(count, tf.int32)
            of_segments = adapters.tf().scatter_rows(
                tf.fill([number, width], tf.cast(start, dtype)),
                tf.reshape(ids, [tf.size(ids), 1]),
                tf.reshape(data, [tf.size(ids), width]),
                join,
            )
            return tf.reshape(of_segments, tf.concat([[number], rest], 0))

        types = [element_type(node, name) for name in ("Tindices", "Tnumsegments")]
        return Replacement(reduce, of_any_shape(dtype, *types))

    return rule


def _scatter(op: Callable[..., Any], neutral: float) -> Rule:
    def rule(node: NodeDef) -> Replacement | None:
        dtype = element_type(node)
        if not dtype.is_floating:
            return None

        def scatter(tensor: Any, indices: Any, x: Any) -> Any:
            known = tf.where(x == x, x, tf.cast(neutral, dtype))
            return op(tensor=tensor, indices=indices, updates=known)

        types = dtype, element_type(node, "Tindices"), dtype
        return Replacement(scatter, of_any_shape(*types))

    return rule


RULES: Mapping[str, Rule] = {
    "MaxPool": _pool(lambda **given: tf.raw_ops.MaxPool(**given)),
    "MaxPool3D": _pool(lambda **given: tf.raw_ops.MaxPool3D(**given)),
    "TensorScatterMax": _scatter(
        lambda **given: tf.raw_ops.TensorScatterMax(**given), -_INFINITY
    ),
    "TensorScatterMin": _scatter(
        lambda **given: tf.raw_ops.TensorScatterMin(**given), _INFINITY
    ),
    "UnsortedSegmentMax": _segments(largest=True),
    "UnsortedSegmentMin": _segments(largest=False),
}
