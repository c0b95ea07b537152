# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The divergence is what loops make of its definition, and near to that of others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from tfnative_aot.quantize.calibrate.divergence import (
    LEVELS,
    best_length,
    divergences,
)

counts = arrays(
    np.int64,
    st.integers(LEVELS, LEVELS + 150),
    elements=st.sampled_from([0, 0, 1, 2, 50, 1000]),
)


def by_definition(numbers: list[int], length: int) -> float:
    """P and Q of the module's text, bin by bin."""
    outside = sum(numbers[length:])
    p = [float(n) for n in numbers[:length]]
    p[-1] += outside
    q = [0.0] * length
    for level in range(LEVELS):
        first, end = (length * each // LEVELS for each in (level, level + 1))
        own = float(sum(numbers[first:end]))
        if level == LEVELS - 1 and own == 0 and outside > 0:
            own = 1e-4
        filled = [place for place in range(first, end) if p[place] > 0]
        for place in filled:
            q[place] = own / len(filled)
    n, m = sum(numbers), sum(numbers[:length])
    if m == 0:
        return math.inf
    return sum(a / n * math.log(a / n / (b / m)) for a, b in zip(p, q) if a > 0)  # noqa: B905


@settings(deadline=None, max_examples=25)
@given(counts)
def test_sums_of_levels_are_the_sums_of_their_bins(numbers):
    if not numbers.any():
        assert best_length(numbers) == len(numbers)
        return
    found = divergences(numbers)
    exact = [
        by_definition(numbers.tolist(), length)
        for length in range(LEVELS, len(numbers) + 1)
    ]
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-9)
    assert found[best_length(numbers) - LEVELS] == found.min()


def test_where_nothing_is_lost_the_longest_is_taken():
    assert best_length(np.full(LEVELS * 4, 7)) == LEVELS * 4
    only_last = np.zeros(LEVELS * 4, np.int64)
    only_last[-1] = 3
    assert best_length(only_last) == LEVELS * 4


@pytest.mark.parametrize("name", ["normal", "laplace", "students_t"])
def test_thresholds_are_near_to_those_of_onnx_runtime(name: str, record_property: Any):
    """ONNX Runtime gives each side of zero half of its levels.

    What remains where bins cannot be shared out evenly, it gives to the last level,
    and nothing of it to Q: so that it clips at other places.
    """
    calibrate = pytest.importorskip(
        "onnxruntime.quantization.calibrate", reason="needs onnxruntime and onnx"
    )
    rng = np.random.default_rng(4)
    x = {
        "normal": rng.standard_normal(200_000),
        "laplace": rng.laplace(size=200_000),
        "students_t": rng.standard_t(5, 200_000),
    }[name]
    bins, most = 512, np.abs(x).max()
    of_magnitudes, edges = np.histogram(np.abs(x), bins, (0, most))
    both = np.concatenate([of_magnitudes[::-1], of_magnitudes])
    collector = calibrate.HistogramCollector(
        "entropy", True, 2 * bins, 2 * LEVELS, 99.99, "same"
    )
    ends = np.concatenate([-edges[:0:-1], edges])
    _, theirs = collector.get_entropy_threshold(
        (both // 2, ends, np.float64(-most), np.float64(most)), 2 * LEVELS
    )
    ours = best_length(of_magnitudes) * most / bins
    record_property("thresholds", (ours, float(theirs), float(most)))
    assert 2 / 3 < ours / float(theirs) < 3 / 2
