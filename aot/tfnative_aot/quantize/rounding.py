# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Weights as smaller types hold them, still as floats.

What is rounded once, here, is what TensorFlow is asked about and what the kernels
multiply with: the smaller type holds every one of these floats exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.program.passes.stored_weights import LARGEST

FloatArray = npt.NDArray[np.float32]

StoredType = Literal["f16", "bf16", "s8"]
"""By XLA's names."""

_SCALE_BITS = 16
"""Of the mantissa of a scale. Times a number of 8 bits, it is a float, exactly."""

_SMALLEST_SCALE = 2.0**-100
_COARSEST = 2.0**-8
"""Largest error of a channel over its size, both as root mean squares."""


class CannotRoundError(Exception):
    """Weights stay as they are; the message says why."""


def rounded(
    weights: FloatArray, stored: StoredType, summed: Sequence[int] | None
) -> FloatArray:
    """The nearest floats that a type holds.

    Args:
        weights: Of any shape.
        stored: The type. In s8, they are whole numbers times a scale for each channel.
        summed: Their dimensions that do not tell channels apart; None if not known.

    Raises:
        CannotRoundError: They would not be near.
    """
    if not np.isfinite(weights).all():
        raise CannotRoundError("not all of it is finite")
    if stored == "s8":
        if summed is None:
            raise CannotRoundError(
                "what reads it sums over different dimensions, for which no scale of a "
                "channel fits"
            )
        whole, scale = quantized(weights, tuple(summed))
        return whole * scale
    dtype = numpy_dtype("float16" if stored == "f16" else "bfloat16")
    with np.errstate(over="ignore"):
        near = weights.astype(dtype).astype(np.float32)
    if not np.isfinite(near).all():
        raise CannotRoundError(f"{dtype.name} does not hold its largest values")
    axes = tuple(range(weights.ndim)) if summed is None else tuple(summed)
    size = np.sum(np.square(weights, dtype=np.float64), axis=axes)
    error = np.sum(np.square(near - weights, dtype=np.float64), axis=axes)
    if (error > _COARSEST**2 * size).any():
        raise CannotRoundError(
            f"{dtype.name} does not tell the values of a channel apart"
        )
    return near


def quantized(
    weights: FloatArray, summed: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """Whole numbers in [-127, 127], and a scale for each channel.

    Symmetric: 0 stays 0. A channel of zeros has the scale 1.

    Returns:
        Both as floats, of shapes whose product is that of the weights.

    Raises:
        CannotRoundError: A scale would be too small for a float.
    """
    largest = np.abs(weights).max(axis=summed, keepdims=True)
    scale = short(largest / np.float32(LARGEST))
    scale[largest == 0] = 1
    if scale.min() < _SMALLEST_SCALE:
        raise CannotRoundError("a channel has tiny values only")
    return np.clip(np.rint(weights / scale), -LARGEST, LARGEST), scale


def short(scale: FloatArray) -> FloatArray:
    """Scales of few bits, none less than the given ones, which are not negative."""
    mantissa, exponent = np.frexp(scale)
    mantissa = np.ceil(np.ldexp(mantissa, _SCALE_BITS))
    result: FloatArray = np.ldexp(mantissa, exponent - _SCALE_BITS).astype(np.float32)
    return result


def signal_to_noise(weights: FloatArray, near: FloatArray) -> float | None:
    """In decibels; None if there is no noise, or no signal."""
    noise = float(np.square(near - weights, dtype=np.float64).sum())
    signal = float(np.square(weights, dtype=np.float64).sum())
    return 10 * float(np.log10(signal / noise)) if noise and signal else None
