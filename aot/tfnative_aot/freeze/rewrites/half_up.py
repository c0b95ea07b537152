# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Quantizes and dequantizes, halves rounded up, by the steps of TensorFlow's kernel.

It adds 0.5 to a rounded product. In the code of XLA's op the product is not rounded, so
that what lies between two numbers of the quantized type goes to the other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.divisions import divide_by_constant
from tfnative_aot.freeze.rewrites.rule import (
    Replacement,
    Rule,
    element_type,
    of_any_shape,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef


def _half_up(node: NodeDef) -> Replacement | None:
    dtype = element_type(node)
    if node.attr["round_mode"].s != b"HALF_UP" or dtype.name not in (
        "float32",
        "float64",
    ):
        return None
    axis = node.attr["axis"].i if "axis" in node.attr else -1
    least, most = _numbers(node)
    is_given = node.attr["range_given"].b

    def compute(x: Any, low: Any, high: Any) -> Any:
        if not is_given:
            low, high = _ends(x, axis)
        if axis >= 0:
            ones = tf.ones([tf.rank(x)], tf.int32)
            sizes = tf.concat([ones[:axis], [-1], ones[axis + 1 :]], 0)
            low, high = tf.reshape(low, sizes), tf.reshape(high, sizes)
        grid = _Grid.between(low, high, least, most)
        if is_given:  # Else nothing is out of range, or all is taken as it is.
            x = tf.maximum(tf.minimum(x, grid.high), grid.low)
        return tf.floor(x * grid.scale + 0.5) * grid.inverse

    return Replacement(compute, of_any_shape(*[dtype] * 3))


def _ends(x: Any, axis: int) -> tuple[Any, Any]:
    """The least and the largest number: of all, or for each place of an axis."""
    places = tf.range(tf.rank(x))
    if axis >= 0:
        places = tf.concat([places[:axis], places[axis + 1 :]], 0)
    return tf.reduce_min(x, places), tf.reduce_max(x, places)


def _numbers(node: NodeDef) -> tuple[int, int]:
    """The least and the largest number of the quantized type."""
    bits = node.attr["num_bits"].i if "num_bits" in node.attr else 8
    if "signed_input" in node.attr and not node.attr["signed_input"].b:
        return 0, 2**bits - 1
    most = 2 ** (bits - 1) - 1
    return -most - (not node.attr["narrow_range"].b), most


@dataclass(frozen=True)
class _Grid:
    """The numbers of the quantized type, as far as they reach.

    Attributes:
        scale: How many there are in 1.
        inverse: The distance between two.
        low: The least.
        high: The largest.
    """

    scale: Any
    inverse: Any
    low: Any
    high: Any

    @classmethod
    def between(cls, low: Any, high: Any, least: int, most: int) -> _Grid:
        """The end of a range that needs the larger distance decides about it."""
        largest = tf.constant(low.dtype.max, low.dtype)
        below, above = (tf.constant(float(n), low.dtype) for n in (least, most))
        by_low = tf.where(below * low > 0, below / low, largest)
        by_high = tf.where(above * high > 0, above / high, largest)
        is_low = by_low < by_high
        inverse = tf.where(
            is_low, divide_by_constant(low, below), divide_by_constant(high, above)
        )
        return cls(
            scale=tf.where(is_low, by_low, by_high),
            inverse=inverse,
            low=tf.where(is_low, low, below * inverse),
            high=tf.where(is_low, above * inverse, high),
        )


RULES: Mapping[str, Rule] = dict.fromkeys(
    ("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV4"), _half_up
)
