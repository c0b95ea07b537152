# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Computes with integers as TensorFlow does where XLA does otherwise, or refuses.

A shift by more than there are bits, or by less than nothing, is one by all bits but
one, or by none; XLA shifts all bits out. Rounding leaves integers as they are.
Powers wrap around, and XLA looks at the last six bits of an exponent alone.
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


def _round(node: NodeDef) -> Replacement | None:
    if not element_type(node).is_integer:
        return None
    return same_types(node, 1, tf.identity)


_DIGIT_BITS = 6


def _power(node: NodeDef) -> Replacement | None:
    if not element_type(node).is_integer:
        return None
    return same_types(node, 2, _powers)


def _powers(x: Any, exponent: Any) -> Any:
    """The product of a power for each digit of the exponent, which has six bits."""
    digit = tf.constant(2**_DIGIT_BITS - 1, exponent.dtype)
    known = tf.get_static_value(exponent)
    most = exponent.dtype.max if known is None else int(known.max(initial=0))
    factor, result = x, tf.raw_ops.Pow(x=x, y=exponent & digit)
    for place in range(_DIGIT_BITS, most.bit_length(), _DIGIT_BITS):
        for _ in range(_DIGIT_BITS):
            factor *= factor
        shift = tf.constant(place, exponent.dtype)
        digits = tf.raw_ops.RightShift(x=exponent, y=shift) & digit
        result *= tf.raw_ops.Pow(x=factor, y=digits)
    return result


RULES: Mapping[str, Rule] = {
    "LeftShift": _by_bits_there_are(lambda x, y: tf.raw_ops.LeftShift(x=x, y=y)),
    "Pow": _power,
    "Rint": _round,
    "Round": _round,
    "RightShift": _by_bits_there_are(lambda x, y: tf.raw_ops.RightShift(x=x, y=y)),
}
