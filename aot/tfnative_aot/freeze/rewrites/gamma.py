# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Decides at the ends of the gamma functions' domains as TensorFlow's kernels do.

XLA's loops for the incomplete gamma functions run until every element has converged,
which some outside of the domain never do. They are given ordinary numbers instead.

Next to its zeros, 1 and 2, XLA's logarithm of the gamma function is a difference of
large numbers. There, a series takes its place, whose value at them is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, Rule, same_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

_NAN = float("nan")
_MOST = 1e10  # More than half precision has, where it is infinite.


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

            one, most = number(1), number(_MOST)
            inside = (x > 0) & (a > 0) & (x <= most) & (a <= most)
            result = op(tf.where(inside, a, one), tf.where(inside, x, one))
            result = tf.where(inside, result, number(_NAN))
            known = (a > 0) & (x >= 0)
            # Of numbers so large, one is as good as infinite beside the other.
            limit = tf.where(x > a, number(far), number(at_zero))
            result = tf.where(known & ((x > most) | (a > most)), limit, result)
            return tf.where(
                (x == 0) & ((a > 0) | (at_zero == 0)), number(at_zero), result
            )

        return same_types(node, 2, compute)

    return rule


# Half of the distance between its zeros would need more terms.
_NEAR = 0.25
_TERMS = 30
_EULER = 0.57721566490153286060651209008240


def _lgamma(node: NodeDef) -> Replacement:
    def compute(x: Any) -> Any:
        one, near = (tf.constant(value, x.dtype) for value in (1, _NEAR))
        behind_two = x - 2 * one
        is_two = tf.abs(behind_two) < near
        z = tf.where(is_two, behind_two, x - one)
        series = z * _series(z)
        series = tf.where(is_two, tf.math.log1p(z) + series, series)
        series = tf.where(tf.equal(z, 0), tf.zeros_like(z), series)
        return tf.where(tf.abs(z) < near, series, tf.math.lgamma(x))

    return same_types(node, 1, compute)


def _series(z: Any) -> Any:
    """The logarithm of the gamma function of 1 + z, divided by z."""
    total = tf.zeros_like(z)
    for power in range(_TERMS, 1, -1):
        factor = tf.constant(_zeta(power) / power, z.dtype)
        total = (factor - total) * z
    return total - tf.constant(_EULER, z.dtype)


def _zeta(power: int) -> float:
    """The sum of all whole numbers to minus ``power``, by Euler and Maclaurin."""
    first = 100.0
    rest = first ** (1 - power) / (power - 1) + first**-power / 2
    rest += power * first ** (-power - 1) / 12
    rest -= power * (power + 1) * (power + 2) * first ** (-power - 3) / 720
    return sum((float(k) ** -power for k in range(1, int(first))), rest)


RULES: Mapping[str, Rule] = {
    "Lgamma": _lgamma,
    "Igamma": _incomplete(lambda a, x: tf.raw_ops.Igamma(a=a, x=x), 0.0, 1.0),
    "Igammac": _incomplete(lambda a, x: tf.raw_ops.Igammac(a=a, x=x), 1.0, 0.0),
}
