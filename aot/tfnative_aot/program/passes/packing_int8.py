# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The form in which kernels read constant weights of 8 bits, as kernels.h has it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfnative_aot.program.passes.packing import PANEL, FloatArray

GROUP = 4
"""Rows of a matrix that are multiplied with one instruction."""

MOST_K = 66311
"""Largest number of rows whose sums always fit 32 bits: TFN_INT8_MOST_K."""


def pack_int8_matrix(
    matrix: npt.NDArray[np.int8], scales: FloatArray
) -> npt.NDArray[np.uint8]:
    """Packs a quantized matrix, the sums of its columns, and their scales.

    Args:
        matrix: (k, n), of -127 to 127, k at most ``MOST_K``.
        scales: (n,), what each column is multiplied with: 0, or positive, finite and
            at least the smallest normal number.

    Returns:
        Bytes of shape (ceil(n / 16), ceil(k / 4) * 64 + 128): for each panel of 16
        columns its weights in groups of four rows, as int8 of shape (ceil(k / 4), 16,
        4); the sums of its columns, as 16 int32; and 16 scales, as float32. All is
        padded with zeros.
    """
    k, n = matrix.shape
    assert scales.shape == (n,)
    assert k <= MOST_K
    assert matrix.min(initial=0) >= -127
    panels, groups = -(-n // PANEL), -(-k // GROUP)
    padded = np.zeros((groups * GROUP, panels * PANEL), np.int8)
    padded[:k, :n] = matrix
    weights = padded.reshape(groups, GROUP, panels, PANEL).transpose(2, 0, 3, 1)
    sums = padded.sum(axis=0, dtype=np.int32)
    padded_scales = np.zeros(panels * PANEL, np.float32)
    padded_scales[:n] = scales
    parts = (
        np.ascontiguousarray(weights).reshape(panels, -1),
        sums.reshape(panels, PANEL),
        padded_scales.reshape(panels, PANEL),
    )
    return np.concatenate([part.view(np.uint8) for part in parts], axis=1)
