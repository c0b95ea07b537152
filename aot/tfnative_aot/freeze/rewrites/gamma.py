# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Decides at the ends of the gamma functions' domains as TensorFlow's kernels do.

XLA's loops for the incomplete gamma functions run until every element has converged,
which some outside of the domain never do. They are given ordinary numbers instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, Rule, same_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

_NAN, _INFINITY = float("nan"), float("inf")


def _incomplete(op: Callable[[Any, Any], Any], at_zero: float, far: float) -> Rule:
    """One of the two halves of the gamma function.

    Args:
        op: XLA's.
        at_zero: Its value where ``x`` is 0.
        far: Its value where ``x`` is infinite, and ``a`` is not.
    """

    def rule(node: NodeDef) -> Replacement:
        def compute(a: Any, x: Any) -> Any:
            def number(value: float) -> Any:
                return tf.cast(value, a.dtype)

            one = number(1)
            inside = (x > 0) & (a > 0) & tf.math.is_finite(x) & tf.math.is_finite(a)
            result = op(tf.where(inside, a, one), tf.where(inside, x, one))
            result = tf.where(inside, result, number(_NAN))
            known = (a > 0) & (x >= 0)
            result = tf.where(known & (x == _INFINITY), number(far), result)
            result = tf.where(known & (a == _INFINITY), number(at_zero), result)
            return tf.where(x == 0, number(at_zero), result)

        return same_types(node, 2, compute)

    return rule


RULES: Mapping[str, Rule] = {
    "Igamma": _incomplete(lambda a, x: tf.raw_ops.Igamma(a=a, x=x), 0.0, 1.0),
    "Igammac": _incomplete(lambda a, x: tf.raw_ops.Igammac(a=a, x=x), 1.0, 0.0),
}
