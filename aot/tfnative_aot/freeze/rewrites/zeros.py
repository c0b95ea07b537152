# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gives zeros the sign that TensorFlow's kernels give them."""

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


def _without_sign(op: Callable[[Any], Any]) -> Rule:
    """An op of one input that gives zero for zero, and no negative one."""

    def rule(node: NodeDef) -> Replacement | None:
        if not element_type(node).is_floating:
            return None
        return same_types(node, 1, lambda x: tf.where(x == 0, tf.abs(x), op(x)))

    return rule


def _with_that_of_factor(op: Callable[[Any, Any], Any]) -> Rule:
    """An op whose first input is a factor that makes zero of everything."""

    def rule(node: NodeDef) -> Replacement | None:
        if not element_type(node).is_floating:
            return None
        return same_types(node, 2, lambda x, y: tf.where(x == 0, x, op(x, y)))

    return rule


RULES: Mapping[str, Rule] = {
    "BesselI1e": _without_sign(lambda x: tf.math.bessel_i1e(x)),
    "Erfinv": _without_sign(lambda x: tf.math.erfinv(x)),
    "Sign": _without_sign(lambda x: tf.math.sign(x)),
    "Xdivy": _with_that_of_factor(lambda x, y: tf.raw_ops.Xdivy(x=x, y=y)),
    "Xlog1py": _with_that_of_factor(lambda x, y: tf.raw_ops.Xlog1py(x=x, y=y)),
    "Xlogy": _with_that_of_factor(lambda x, y: tf.raw_ops.Xlogy(x=x, y=y)),
}
