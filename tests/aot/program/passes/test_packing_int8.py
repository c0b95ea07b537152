# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of 8 bits in the form that kernels read."""

from __future__ import annotations

import numpy as np
import pytest

from tfnative_aot.program.passes.packing_int8 import (
    MOST_K,
    pack_int8_depthwise,
    pack_int8_filter,
    pack_int8_matrix,
)


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


@pytest.mark.parametrize(
    ("shape", "groups"),
    [((1, 1, 1, 1, 1), 1), ((1, 3, 2, 5, 40), 2), ((2, 1, 2, 4, 16), 1)],
)
def test_every_number_of_a_filter_is_where_kernels_look(
    shape: tuple[int, int, int, int, int], groups: int
) -> None:
    rng = np.random.default_rng(4)
    weights = rng.integers(-127, 128, shape).astype(np.int8)
    n, k = shape[-1] // groups, weights[..., 0].size
    bias = rng.integers(-(2**30), 2**30, shape[-1]).astype(np.int32)
    multiplier = rng.random(shape[-1]).astype(np.float32)
    packed = pack_int8_filter(weights, bias, multiplier, groups)
    size = -(-k // 4) * 64
    assert packed.shape == (groups, -(-n // 16), size + 192)
    for g, j in np.ndindex(groups, packed.shape[1] * 16):
        panel = packed[g, j // 16].tobytes()
        found = np.frombuffer(panel, np.int8, size).reshape(-1, 16, 4)
        column = np.zeros(size // 16, np.int64)
        column[:k] = weights[..., g * n + j].reshape(-1) if j < n else 0
        assert found[:, j % 16].reshape(-1).tolist() == column.tolist()
        sums, biases = np.frombuffer(panel, np.int32, 32, size).reshape(2, 16)
        factors = np.frombuffer(panel, np.float32, 16, size + 128)
        assert sums[j % 16] == column.sum()
        assert biases[j % 16] == (bias[g * n + j] if j < n else 0)
        assert factors[j % 16] == (multiplier[g * n + j] if j < n else 0)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 16), (2, 3, 21)])
def test_every_number_of_a_depthwise_filter_is_where_kernels_look(
    shape: tuple[int, int, int],
) -> None:
    rng = np.random.default_rng(5)
    weights = rng.integers(-127, 128, shape).astype(np.int8)
    channels, places = shape[-1], shape[0] * shape[1]
    bias = rng.integers(-(2**30), 2**30, channels).astype(np.int32)
    multiplier = rng.random(channels).astype(np.float32)
    packed = pack_int8_depthwise(weights, bias, multiplier).tobytes()
    padded = -(-channels // 16) * 16
    assert len(packed) == padded * (places + 12)
    found = np.frombuffer(packed, np.int8, places * padded).reshape(*shape[:2], padded)
    numbers = np.frombuffer(packed, np.int32, 2 * padded, found.size)
    sums, biases = numbers.reshape(2, padded)
    factors = np.frombuffer(packed, np.float32, padded, found.size + 8 * padded)
    for part, expected in (
        (found, weights),
        (sums, weights.sum(axis=(0, 1))),
        (biases, bias),
        (factors, multiplier),
    ):
        assert part[..., :channels].tolist() == expected.tolist()
        assert not part[..., channels:].any()
