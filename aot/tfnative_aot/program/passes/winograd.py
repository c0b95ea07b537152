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

ROOTS = (0.0, 0.625, -0.625, 1.5, -1.5)
"""The points; the sixth is infinity. The same as in conv/winograd.h."""


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
