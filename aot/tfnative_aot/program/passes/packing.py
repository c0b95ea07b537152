# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The forms in which kernels read constant weights, as kernels.h describes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PANEL = 16
"""Columns of a panel: TFN_PANEL in kernels.h."""

FloatArray = npt.NDArray[np.float32]


def pack_matrix(matrix: FloatArray) -> FloatArray:
    """Packs (k, n) into (ceil(n / 16), k, 16), padded with zeros."""
    k, n = matrix.shape
    panels = -(-n // PANEL)
    padded = np.zeros((k, panels * PANEL), np.float32)
    padded[:, :n] = matrix
    return np.ascontiguousarray(padded.reshape(k, panels, PANEL).transpose(1, 0, 2))


def pack_filter(weights: FloatArray, groups: int) -> FloatArray:
    """Packs (d, h, w, ic / groups, oc), group by group, as matrices."""
    rows = weights.reshape(-1, groups, weights.shape[-1] // groups)
    return np.stack([pack_matrix(rows[:, g]) for g in range(groups)])
