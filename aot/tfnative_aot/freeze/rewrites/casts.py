# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Casts floats that are no integer of the wanted type as TensorFlow does on x86-64.

What a C compiler makes of such a cast is up to the processor, which gives the integer
that has the highest bit alone. XLA gives 0 for NaN, and the nearest integer otherwise.
For narrower integers, and for 32 bits without a sign, TensorFlow's own results depend
on whether the compiler took vectors for an element, so that these stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import (
    Replacement,
    Rule,
    element_type,
    of_any_shape,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

# The largest number of bits by which a type's numbers exceed one.
_EXPONENT = {"float16": 15, "bfloat16": 127, "float32": 127, "float64": 1023}
_INDEFINITE = {"int32": -(2**31), "int64": -(2**63)}


def _cast(node: NodeDef) -> Replacement | None:
    given, wanted = element_type(node, "SrcT"), element_type(node, "DstT")
    if (given.name, wanted.name) == ("float64", "bfloat16"):
        # As TensorFlow does; in one step, it is a function that compilers may lack.
        return Replacement(
            lambda x: tf.cast(tf.cast(x, tf.float32), wanted), of_any_shape(given)
        )
    if given.name == "bool" and wanted.is_floating:
        # XLA takes NaN times a mask that was cast for zero where the mask is false.
        return Replacement(lambda x: _to_number(x, wanted), of_any_shape(given))
    if given.name not in _EXPONENT:
        return None
    if wanted.name in _INDEFINITE:
        return Replacement(lambda x: _to_signed(x, given, wanted), of_any_shape(given))
    if wanted.name == "uint64":
        return Replacement(lambda x: _to_unsigned(x, given), of_any_shape(given))
    return None


def _to_number(x: Any, wanted: Any) -> Any:
    return tf.where(x, tf.constant(1, wanted), tf.constant(0, wanted))


def _to_signed(x: Any, given: Any, wanted: Any) -> Any:
    bits = wanted.size * 8 - 1
    if _EXPONENT[given.name] < bits:
        fits = tf.math.is_finite(x)
    else:
        low, high = (tf.constant(n, given) for n in (-(2.0**bits), 2.0**bits))
        if given.size > wanted.size:  # What is cut off may reach below the lowest.
            low = tf.constant(-(2.0**bits) - 1, given)
            fits = (x > low) & (x < high)
        else:
            fits = (x >= low) & (x < high)
    indefinite = tf.constant(_INDEFINITE[wanted.name], wanted)
    return tf.where(fits, tf.cast(x, wanted), indefinite)


def _to_unsigned(x: Any, given: Any) -> Any:
    """Negative numbers wrap round, as those of 64 bits with a sign."""
    signed = tf.bitcast(_to_signed(x, given, tf.int64), tf.uint64)
    if _EXPONENT[given.name] < 63:
        return signed
    low, high = (tf.constant(n, given) for n in (2.0**63, 2.0**64))
    return tf.where((x >= low) & (x < high), tf.cast(x, tf.uint64), signed)


RULES: Mapping[str, Rule] = {"Cast": _cast}
