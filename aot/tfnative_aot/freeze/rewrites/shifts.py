# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Shifts integers by as much as TensorFlow does, where it is more than they have bits.

TensorFlow brings the count between nothing and all bits but one. XLA shifts all bits
out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import (
    Replacement,
    Rule,
    element_type,
    same_types,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef


def _by_bits_there_are(op: Callable[[Any, Any], Any]) -> Rule:
    def rule(node: NodeDef) -> Replacement:
        most = element_type(node).size * 8 - 1

        def shift(x: Any, count: Any) -> Any:
            zero, last = (tf.cast(bound, x.dtype) for bound in (0, most))
            return op(x, tf.minimum(tf.maximum(count, zero), last))

        return same_types(node, 2, shift)

    return rule


RULES: Mapping[str, Rule] = {
    "LeftShift": _by_bits_there_are(lambda x, y: tf.raw_ops.LeftShift(x=x, y=y)),
    "RightShift": _by_bits_there_are(lambda x, y: tf.raw_ops.RightShift(x=x, y=y)),
}
