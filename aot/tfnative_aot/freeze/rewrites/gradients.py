# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gradients that a model computes of itself, where TensorFlow's kernels choose.

A gradient that is NaN stays so where it is multiplied with 0, and one that is 0 stays
so whatever it would be multiplied with.
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


def _of_two(compute: Callable[[Any, Any], Any]) -> Rule:
    def rule(node: NodeDef) -> Replacement | None:
        if not element_type(node).is_floating:
            return None
        return same_types(node, 2, compute)

    return rule


def _relu(gradient: Any, x: Any) -> Any:
    return tf.where(x > 0, gradient, gradient * 0)


def _relu6(gradient: Any, x: Any) -> Any:
    return tf.where((x > 0) & (x < 6), gradient, gradient * 0)


def _elu(gradient: Any, y: Any) -> Any:
    return tf.where(y < 0, gradient * (y + 1), gradient)


def _selu(gradient: Any, y: Any) -> Any:
    scale, scale_alpha = 1.0507009873554804934, 1.7580993408473768599
    return tf.where(y < 0, gradient * (y + scale_alpha), gradient * scale)


def _zero_stays(op: Callable[[Any, Any], Any]) -> Rule:
    def compute(y: Any, gradient: Any) -> Any:
        return tf.where(gradient == 0, tf.abs(gradient), op(y, gradient))

    return _of_two(compute)


RULES: Mapping[str, Rule] = {
    "EluGrad": _of_two(_elu),
    "ReciprocalGrad": _zero_stays(lambda y, dy: tf.raw_ops.ReciprocalGrad(y=y, dy=dy)),
    "Relu6Grad": _of_two(_relu6),
    "ReluGrad": _of_two(_relu),
    "RsqrtGrad": _zero_stays(lambda y, dy: tf.raw_ops.RsqrtGrad(y=y, dy=dy)),
    "SeluGrad": _of_two(_selu),
    "SqrtGrad": _zero_stays(lambda y, dy: tf.raw_ops.SqrtGrad(y=y, dy=dy)),
}
