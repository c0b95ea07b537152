# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""From ranges of numbers to scales and zero points.

Numbers between layers have one scale and one zero point for each tensor, weights one
scale for each output channel, and no zero point.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative_aot.freeze.quantized import LEVELS, Quantization, Requantize
from tfnative_aot.quantize.static.own_steps import Doubles, own_steps
from tfnative_aot.quantize.static.plan import NO_CLAMP, Clamp

_LARGEST_WEIGHT = 127
_MOST_BIAS = 2**30
_LEAST_SCALE = 2.0**-118
"""So that products of two scales, and what is divided by one, are normal numbers."""


def can_round(low: float, high: float) -> bool:
    """Whether the steps of a range, and their inverse, are normal numbers."""
    return low == high == 0 or _LEAST_SCALE < _step(low, high) < 1 / _LEAST_SCALE


def quantization(low: float, high: float) -> Quantization:
    """The 256 steps from ``low``, which is not above 0, to ``high``, not below it.

    It has to be such that ``can_round``, or other ranges have to make it so.
    """
    scale = _step(low, high)
    if not _LEAST_SCALE < scale < 1 / _LEAST_SCALE:
        return Quantization(1.0, 0)  # All are zero.
    return Quantization(scale, min(max(round(-low / scale), 0), LEVELS))


def _step(low: float, high: float) -> float:
    return float(np.float32((high - low) / LEVELS))


def requantize(to: Quantization, clamp: Clamp = NO_CLAMP) -> Requantize:
    """How results are rounded, between bounds."""
    return Requantize(to.zero, _place(clamp.low, to), _place(clamp.high, to))


def _place(bound: float, to: Quantization) -> int:
    if math.isinf(bound):
        return 0 if bound < 0 else LEVELS
    return min(max(round(bound / to.scale) + to.zero, 0), LEVELS)


def numbers(of: Quantization) -> npt.NDArray[np.float32]:
    """What the numbers of 0 to 255 stand for."""
    steps = np.arange(LEVELS + 1, dtype=np.int32) - of.zero
    return np.asarray(steps.astype(np.float32) * np.float32(of.scale))


def table(values: npt.NDArray[np.float32], to: Quantization) -> bytes:
    """What is stored for each of 256 numbers, by what they become; NaN becomes 0."""
    steps = np.nan_to_num(values.astype(np.float64) / to.scale, nan=0.0)
    return bytes(np.clip(np.rint(steps) + to.zero, 0, LEVELS).astype(np.uint8))


@dataclass(frozen=True)
class WholeWeights:
    """Weights as whole numbers.

    Attributes:
        weights: As the given ones, of -127 to 127.
        scales: (output channels,), float64.
        bias: (output channels,), in units of the scale and that of the input.
    """

    weights: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float64]
    bias: npt.NDArray[np.int32]

    def as_floats(self) -> npt.NDArray[np.float32]:
        """What they stand for."""
        return (self.weights * self.scales).astype(np.float32)


_known: dict[int, tuple[weakref.ref[Any], Doubles]] = {}
"""By the id of weights: these and their steps, as long as there are such weights."""


def _own_steps(weights: npt.NDArray[np.float32], flat: Doubles) -> Doubles:
    """As ``own_steps``, which takes long, once for the same weights."""
    key = id(weights)
    known = _known.get(key)
    if known is None or known[0]() is not weights:
        of = weakref.ref(weights, lambda _: _known.pop(key, None))
        known = _known[key] = (of, own_steps(flat, _LARGEST_WEIGHT))
    return known[1]


def whole_weights(
    weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], input_scale: float
) -> WholeWeights:
    """Rounds weights, each output channel by its largest one, or by its own steps.

    Args:
        weights: (..., output channels).
        bias: (output channels,).
        input_scale: Of what is multiplied.

    Raises:
        OverflowError: A bias is so large beside the weights that no scale holds both.
    """
    flat = np.abs(weights.astype(np.float64)).reshape(-1, weights.shape[-1])
    largest = flat.max(axis=0)
    own = _own_steps(weights, flat)
    scales = np.where(own > 0, own, largest / _LARGEST_WEIGHT)
    room = min(_MOST_BIAS, 2**31 - 1 - flat.shape[0] * LEVELS * _LARGEST_WEIGHT)
    # A channel whose weights are nothing beside its bias has steps of the bias.
    scales = np.maximum(scales, np.abs(bias.astype(np.float64)) / (input_scale * room))
    scales = np.where(scales < _LEAST_SCALE, 1.0, scales)
    if room <= 0 or not (scales < 1 / _LEAST_SCALE).all():
        raise OverflowError
    rounded = np.rint(weights / scales).astype(np.int8)
    whole = np.rint(bias / (scales * input_scale)).astype(np.int32)
    return WholeWeights(rounded, scales, whole)
