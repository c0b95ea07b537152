# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of 3 x 3 convolutions as Winograd's algorithm needs them.

The kernel, conv_winograd_f32, computes tiles of 4 x 4 output pixels: in each
dimension, polynomials are evaluated at six points. Those of the weights are
constants, and evaluated here, once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfnative_aot.program.passes.packing import FloatArray, pack_matrix
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Convolution
from tfnative_aot.program.traverse import walk

ROOTS = (0.0, 0.625, -0.625, 1.5, -1.5)
"""The points; the sixth is infinity. The same as in conv/winograd.h."""

_MOST_TAP_RATIO = 256


def pack_winograd(weights: FloatArray) -> FloatArray:
    """Transforms and packs the weights of a convolution.

    Args:
        weights: float32, shape (3, 3, in channels, out channels).

    Returns:
        float32, shape (36, ceil(out channels / 16), in channels, 16): for each
        point, the weights as ``pack_matrix`` packs them. Computed in float64.
    """
    basis = weight_basis()
    values = np.einsum("ih,jw,hwco->ijco", basis, basis, weights.astype(np.float64))
    matrices = values.astype(np.float32).reshape(-1, *weights.shape[2:])
    return np.stack([pack_matrix(matrix) for matrix in matrices])


def taps_are_alike(weights: FloatArray) -> bool:
    """Whether results see all nine pixels about as well as each other.

    A result's error is in parts of the largest pixel times the largest weight. A
    pixel that a weight of zero hides from the result would show in it, as in kernels
    that are masked.

    Args:
        weights: float32, shape (3, 3, in channels, out channels).
    """
    taps = np.abs(weights).max(axis=-2).reshape(-1, weights.shape[-1])
    return bool((taps.min(axis=0) * _MOST_TAP_RATIO >= taps.max(axis=0)).all())


def uses_winograd(program: Program) -> bool:
    """Whether a step of a program computes by Winograd's algorithm."""
    return any(
        isinstance(step, Convolution) and step.kernel == "winograd"
        for step in walk(program.steps)
    )


def weight_basis() -> npt.NDArray[np.float64]:
    """What each of three weights contributes at each point, shape (6, 3).

    Interpolation divides by the derivative, at the point, of the polynomial with
    these roots; the weights take it on.
    """
    rows = [
        np.array([1, x, x * x]) / np.prod([x - root for root in ROOTS if root != x])
        for x in ROOTS
    ]
    return np.array([*rows, [0, 0, 1]])
