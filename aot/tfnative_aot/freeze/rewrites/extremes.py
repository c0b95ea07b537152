# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Takes extremes of numbers among which there is NaN as TensorFlow's kernels do.

Reductions and element-wise extremes of NaN are NaN. A segment begins anew after each
NaN, and what is scattered is passed over if it is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
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
    "TensorScatterMax": _scatter(
        lambda **given: tf.raw_ops.TensorScatterMax(**given), -_INFINITY
    ),
    "TensorScatterMin": _scatter(
        lambda **given: tf.raw_ops.TensorScatterMin(**given), _INFINITY
    ),
    "UnsortedSegmentMax": _segments(largest=True),
    "UnsortedSegmentMin": _segments(largest=False),
}
