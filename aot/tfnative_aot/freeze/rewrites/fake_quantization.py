# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rounds to the numbers of a quantized type between bounds, as TensorFlow does.

XLA divides by a step in another way, so that zero may be another one of those numbers
where it lies between two, and it gives NaN where both bounds are zero. Bounds are moved
here, with TensorFlow's arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from tfnative_aot.freeze.rewrites.divisions import divide_by_constant
from tfnative_aot.freeze.rewrites.rule import Replacement, Rule, of_any_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef


class _Grid(NamedTuple):
    """The numbers of a quantized type between bounds, moved so that one is zero.

    Attributes:
        scale: The distance between two.
        inverse: How many there are in 1.
        first: The least.
        last: The largest.
        shift: How many are below zero.
        is_empty: Whether both bounds are zero.
    """

    scale: Any
    inverse: Any
    first: Any
    last: Any
    shift: Any
    is_empty: Any

    @classmethod
    def between(
        cls, low: Any, high: Any, numbers: tuple[int, int], *, divides: bool
    ) -> _Grid:
        """Every operation rounds to float32, as in TensorFlow's kernels.

        Args:
            low: The lower bound, or one for each channel.
            high: The upper one.
            numbers: The least and the largest number of the quantized type.
            divides: Whether the kernel divides by a step, or multiplies by its inverse.
        """
        least, most = map(float, numbers)
        scale = divide_by_constant(high - low, most - least)
        inverse = (most - least) / (high - low)
        zero = tf.floor(tf.clip_by_value(least - low / scale, least, most) + 0.5)
        first, last = (least - zero) * scale, (most - zero) * scale
        units = -first / scale if divides else -first * inverse
        is_empty = tf.equal(low, 0) & tf.equal(high, 0)
        grid = cls(scale, inverse, first, last, tf.floor(units + 0.5), is_empty)
        nothing = tf.zeros_like(scale)
        return cls._make(
            each if each is is_empty else tf.where(is_empty, nothing, each)
            for each in grid
        )

    def nearest(self, x: Any, *, divides: bool) -> Any:
        """The numbers next to others."""
        shifted = tf.maximum(tf.minimum(x, self.last), self.first) - self.first
        if divides:
            places = divide_by_constant(shifted, self.scale)
        else:
            places = shifted * self.inverse
        rounded = tf.floor(places - self.shift + 0.5) * self.scale
        return tf.where(self.is_empty, tf.zeros_like(rounded), rounded)


def _constant_grid(
    low: Any, high: Any, numbers: tuple[int, int], *, divides: bool
) -> _Grid:
    with tf.init_scope():  # Computed now, by TensorFlow.
        bounds = tf.constant(low, tf.float32), tf.constant(high, tf.float32)
        grid = _Grid.between(*bounds, numbers, divides=divides)
        return _Grid._make(each.numpy() for each in grid)


def _of_arguments(node: NodeDef) -> Replacement:
    low, high = (node.attr[name].f for name in ("min", "max"))
    numbers = _numbers(node)

    def compute(x: Any) -> Any:
        grid = _constant_grid(low, high, numbers, divides=False)
        return grid.nearest(x, divides=False)

    return Replacement(compute, of_any_shape(tf.float32))


def _of_tensors(node: NodeDef) -> Replacement:
    numbers = _numbers(node)
    divides = node.op == "FakeQuantWithMinMaxVars"

    def compute(x: Any, low: Any, high: Any) -> Any:
        bounds = [tf.get_static_value(each) for each in (low, high)]
        if any(each is None for each in bounds):
            grid = _Grid.between(low, high, numbers, divides=divides)
        else:
            grid = _constant_grid(bounds[0], bounds[1], numbers, divides=divides)
        return grid.nearest(x, divides=divides)

    return Replacement(compute, of_any_shape(*[tf.float32] * 3))


def _numbers(node: NodeDef) -> tuple[int, int]:
    """The least and the largest number of the quantized type."""
    bits = node.attr["num_bits"].i if "num_bits" in node.attr else 8
    return int(node.attr["narrow_range"].b), 2**bits - 1


RULES: Mapping[str, Rule] = {
    "FakeQuantWithMinMaxArgs": _of_arguments,
    "FakeQuantWithMinMaxVars": _of_tensors,
    "FakeQuantWithMinMaxVarsPerChannel": _of_tensors,
}
