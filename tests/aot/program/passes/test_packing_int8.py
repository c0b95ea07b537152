# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of 8 bits in the form that kernels read."""

from __future__ import annotations

import numpy as np
import pytest

from tfnative_aot.program.passes.packing_int8 import MOST_K, pack_int8_matrix


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4, 16), (9, 40), (0, 3)])
def test_every_weight_sum_and_scale_is_where_kernels_look(
    shape: tuple[int, int],
) -> None:
    k, n = shape
    rng = np.random.default_rng(3)
    matrix = rng.integers(-127, 128, shape).astype(np.int8)
    scales = rng.random(n).astype(np.float32)
    packed = pack_int8_matrix(matrix, scales)
    groups = -(-k // 4)
    assert packed.shape == (-(-n // 16), groups * 64 + 128)
    for j in range(packed.shape[0] * 16):
        panel = packed[j // 16].tobytes()
        weights = np.frombuffer(panel, np.int8, groups * 64).reshape(-1, 16, 4)
        sums = np.frombuffer(panel, np.int32, 16, groups * 64)
        found = np.frombuffer(panel, np.float32, 16, groups * 64 + 64)
        column = np.zeros(groups * 4, np.int64)
        column[:k] = matrix[:, j] if j < n else 0
        assert weights[:, j % 16].reshape(-1).tolist() == column.tolist()
        assert sums[j % 16] == column.sum()
        assert found[j % 16] == (scales[j] if j < n else 0)


def test_sums_of_the_longest_column_are_exact() -> None:
    packed = pack_int8_matrix(
        np.full((MOST_K, 1), 127, np.int8), np.ones(1, np.float32)
    )
    sums = packed[0, -128:-64].view(np.int32)
    assert sums[0] == 127 * MOST_K
    assert 255 * 127 * MOST_K < 2**31 <= 255 * 127 * (MOST_K + 1)


def test_what_kernels_do_not_take_is_refused() -> None:
    scales = np.ones(2, np.float32)
    with pytest.raises(AssertionError):
        pack_int8_matrix(np.full((4, 2), -128, np.int8), scales)
    with pytest.raises(AssertionError):
        pack_int8_matrix(np.zeros((4, 3), np.int8), scales)
