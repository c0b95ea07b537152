# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The product in 8 bits as kernels.h defines it, in NumPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_F = np.float32


def product(x: Floats, weights: npt.NDArray[np.int8], scales: Floats) -> Floats:
    """What the kernel gives for rows (m, k), weights (k, n) and scales (n,)."""
    with np.errstate(all="ignore"):
        return _product(x, weights, scales)


def _product(x: Floats, weights: npt.NDArray[np.int8], scales: Floats) -> Floats:
    is_finite = np.isfinite(x).all(axis=1, keepdims=True)
    x = np.where(is_finite, x, _F(0))
    low = x.min(axis=1, keepdims=True, initial=0)
    high = x.max(axis=1, keepdims=True, initial=0)
    size, steps = high - low, _F(255)
    is_large = np.isinf(size)
    size = np.where(is_large, high * _F(0.5) - low * _F(0.5), size)
    steps = np.where(is_large, _F(127.5), steps)
    is_nothing = size < _F(2.0**-117)
    scale = np.where(is_nothing, _F(0), size / steps)
    inverse = np.where(is_nothing, _F(0), steps / size)
    zero = np.clip(np.rint(-low * inverse), 0, 255).astype(np.int64)
    q = np.clip(np.rint(x * inverse).astype(np.int64) + zero, 0, 255)
    # Whole numbers below 2^53 are exact in any order.
    sums = (q - zero).astype(np.float64) @ weights.astype(np.float64)
    joined = np.where(is_finite, scale, _F(np.nan)) * scales
    joined = np.where(joined < _F(2.0**-125), _F(0), joined)
    joined = np.where(np.isinf(joined), np.finfo(_F).max, joined)
    result: Floats = sums.astype(_F) * joined
    assert result.dtype == _F
    return result


def same_bits(a: Floats, b: Floats) -> bool:
    """Whether all numbers are the same, but for the kind of a NaN."""
    bits = [np.where(np.isnan(c), _F(0), c).view(np.int32) for c in (a, b)]
    return bool(np.array_equal(*bits) and np.array_equal(np.isnan(a), np.isnan(b)))
