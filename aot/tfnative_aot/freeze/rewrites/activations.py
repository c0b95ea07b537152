# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Computes activations with the intermediate results that TensorFlow's kernels have.

ELU and SELU subtract 1 from an exponential, which loses numbers near zero: those below
half a unit in the last place of 1 become zero. XLA keeps them. Its sigmoid of float16
divides by an exponential in float16, which is infinite where TensorFlow's, in float32,
is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, element_type, same_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.rule import Rule

_SCALE = 1.0507009873554804934193349852946
_SCALE_ALPHA = 1.7580993408473768599402175208123


def _elu(node: NodeDef) -> Replacement:
    def compute(x: Any) -> Any:
        return tf.where(x < 0, tf.exp(x) - tf.constant(1, x.dtype), x)

    return same_types(node, 1, compute)


def _selu(node: NodeDef) -> Replacement:
    def compute(x: Any) -> Any:
        one, scale, alpha = (
            tf.constant(value, x.dtype) for value in (1, _SCALE, _SCALE_ALPHA)
        )
        return tf.where(x < 0, alpha * (tf.exp(x) - one), scale * x)

    return same_types(node, 1, compute)


def _sigmoid(node: NodeDef) -> Replacement | None:
    if element_type(node) != tf.float16:
        return None

    def compute(x: Any) -> Any:
        wide = tf.raw_ops.Sigmoid(x=tf.cast(x, tf.float32))
        return tf.cast(wide, tf.float16)

    return same_types(node, 1, compute)


RULES: Mapping[str, Rule] = {"Elu": _elu, "Selu": _selu, "Sigmoid": _sigmoid}
