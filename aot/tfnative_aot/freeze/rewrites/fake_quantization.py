# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rounds to the numbers of a quantized type between bounds, as TensorFlow does.

XLA divides by a step in another way, so that zero may be another one of those numbers
where it lies between two, and it gives NaN where both bounds are zero. Bounds that are
constants are moved here, with TensorFlow's arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, Rule, of_any_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def _between(
    x: Any,
    low: NDArray[Any],
    high: NDArray[Any],
    numbers: tuple[int, int],
    *,
    divides: bool,
) -> Any:
    """Every operation rounds to float32, as in TensorFlow's kernels.

    Args:
        x: The numbers.
        low: The lower bound, or one for each channel.
        high: The upper one.
        numbers: The least and the largest number of the quantized type.
        divides: Whether the kernel divides by a step, or multiplies by its inverse.
    """
    least, most = numbers
    steps = np.float32(most) - np.float32(least)
    with np.errstate(all="ignore"):
        scale = (high - low) / steps
        inverse = steps / (high - low)
        place = np.float32(least) - low / scale
        zero = np.floor(np.clip(place, least, most) + np.float32(0.5))
        first = (np.float32(least) - zero) * scale
        last = (np.float32(most) - zero) * scale
        units = -first / scale if divides else -first * inverse
        shift = np.floor(units + np.float32(0.5))
    is_empty = (low == 0) & (high == 0)
    inverse, scale, first, last, shift = (
        np.where(is_empty, np.float32(0), each).astype(np.float32)
        for each in (inverse, scale, first, last, shift)
    )
    shifted = tf.maximum(tf.minimum(x, last), first) - first
    # XLA would multiply by the inverse of a constant.
    places = shifted / (shifted * 0 + scale) if divides else shifted * inverse
    rounded = tf.floor(places - shift + 0.5) * scale
    return tf.where(is_empty, tf.zeros_like(rounded), rounded)


def _of_arguments(node: NodeDef) -> Replacement:
    low, high = (np.float32(node.attr[name].f) for name in ("min", "max"))
    numbers = _numbers(node)

    def compute(x: Any) -> Any:
        bounds = np.asarray(low), np.asarray(high)
        return _between(x, *bounds, numbers, divides=False)

    return Replacement(compute, of_any_shape(tf.float32))


def _of_tensors(node: NodeDef) -> Replacement:
    least, most = numbers = _numbers(node)
    divides = node.op == "FakeQuantWithMinMaxVars"
    op = getattr(tf.raw_ops, node.op)

    def compute(x: Any, low: Any, high: Any) -> Any:
        bounds = [tf.get_static_value(each) for each in (low, high)]
        if any(each is None for each in bounds):
            names = {"num_bits": most.bit_length(), "narrow_range": bool(least)}
            return op(inputs=x, min=low, max=high, **names)
        arrays = np.asarray(bounds[0]), np.asarray(bounds[1])
        return _between(x, *arrays, numbers, divides=divides)

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
