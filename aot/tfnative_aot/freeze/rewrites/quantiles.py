# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds quantiles of the normal distribution for small probabilities, too.

XLA computes them of 2 p - 1, which is -1 for all that are smaller than 1e-8. Where p is
below 0.02 or above 0.98, the approximation 26.2.23 of Abramowitz and Stegun, "Handbook
of Mathematical Functions", is made exact by Newton's method on the logarithm of the
distribution.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, element_type, same_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.rule import Rule

_SMALL = 0.02
_ABOVE = (2.515517, 0.802853, 0.010328)
_BELOW = (1.0, 1.432788, 0.189269, 0.001308)
_STEPS = 3


def _ndtri(node: NodeDef) -> Replacement | None:
    if element_type(node) not in (tf.float32, tf.float64):
        return None

    def compute(p: Any) -> Any:
        tail = tf.minimum(p, 1 - p)
        is_tail = (tail > 0) & (tail < _SMALL)
        far = _far(tf.where(is_tail, tail, tf.constant(_SMALL, p.dtype)))
        return tf.where(is_tail, tf.where(p < 0.5, far, -far), tf.math.ndtri(p))

    return same_types(node, 1, compute)


def _far(p: Any) -> Any:
    log = tf.math.log(p)
    t = tf.sqrt(-2 * log)
    x = _polynomial(t, _ABOVE) / _polynomial(t, _BELOW) - t
    for _ in range(_STEPS):
        below = 0.5 * tf.math.erfc(-x * math.sqrt(0.5))
        density = tf.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        x -= (tf.math.log(below) - log) * below / density
    return x


def _polynomial(x: Any, factors: tuple[float, ...]) -> Any:
    total = tf.zeros_like(x)
    for factor in reversed(factors):
        total = total * x + factor
    return total


RULES: Mapping[str, Rule] = {"Ndtri": _ndtri}
