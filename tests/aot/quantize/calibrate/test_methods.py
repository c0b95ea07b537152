# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ranges hold for whatever numbers were seen, and each method keeps its promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from tests.aot.quantize.calibrate.seen import observed
from tfnative._compile.options import CalibrationMethod
from tfnative.errors import CompileError
from tfnative_aot.quantize.calibrate.doubts import doubts, fewest_values
from tfnative_aot.quantize.calibrate.methods import (
    METHODS,
    find_range,
    percentile,
)
from tfnative_aot.quantize.calibrate.observed import BINS, Range
from tfnative_aot.quantize.calibrate.squared_error import squared_error

ALL = get_args(CalibrationMethod)
ORDERLESS = [name for name in ALL if name != "moving-average"]

numbers = st.floats(-1, 1, width=32).filter(lambda x: x == 0 or abs(x) > 2.0**-60)
rows = arrays(
    np.float32, st.tuples(st.integers(1, 40), st.integers(1, 6)), elements=numbers
)
bell_shaped = st.builds(
    lambda seed, low: np.maximum(
        np.random.default_rng(seed).standard_normal((50, 40)), low
    ),
    st.integers(0, 99),
    st.sampled_from([-9.0, -0.3, 0.0]),
)


def quantized(values: Any, of: Range) -> Any:
    """Numbers in 256 steps, each by itself, as docs/quantize.md says."""
    if of.low == of.high:
        return np.zeros_like(values)
    scale = (of.high - of.low) / 255
    zero = np.rint(-of.low / scale)
    return (np.clip(np.rint(values / scale) + zero, 0, 255) - zero) * scale


def test_all_methods_that_users_can_name_are_there():
    assert tuple(METHODS) == ALL


@settings(deadline=None, max_examples=50)
@given(rows | bell_shaped, st.sampled_from(ALL))
def test_ranges_have_zero_in_them_and_lie_within_what_was_seen(x, method):
    found = find_range(observed(x), method)
    assert min(float(x.min()), 0.0) <= found.low <= 0 <= found.high
    assert found.high <= max(float(x.max()), 0.0)
    assert not np.signbit(found.high)


@settings(deadline=None, max_examples=50)
@given(rows | bell_shaped, st.sampled_from(ALL), st.integers(-40, 40))
def test_ranges_are_twice_as_wide_for_numbers_that_are_twice_as_large(x, method, power):
    size = 2.0**power
    one, other = (find_range(observed(x * s), method) for s in (1.0, size))
    assert (one.low * size, one.high * size) == (other.low, other.high)


@settings(deadline=None, max_examples=50)
@given(rows | bell_shaped, st.sampled_from(ALL))
def test_numbers_with_the_other_sign_have_the_other_range(x, method):
    one, other = (find_range(observed(each), method) for each in (x, -x))
    if method != "mse":  # Where both ends are tried one after the other.
        assert (one.low, one.high) == (-other.high, -other.low)


@settings(deadline=None, max_examples=50)
@given(bell_shaped | rows, st.sampled_from(ORDERLESS), st.randoms())
def test_the_order_of_samples_does_not_matter(x, method, random):
    order = list(range(len(x)))
    random.shuffle(order)
    assert find_range(observed(x), method) == find_range(observed(x[order]), method)


@settings(deadline=None, max_examples=50)
@given(rows | bell_shaped)
def test_no_range_has_a_larger_error_than_the_least_one(x):
    seen = observed(x)
    least = squared_error(seen, find_range(seen, "mse"))
    assert least <= squared_error(seen, find_range(seen, "min-max"))


@pytest.mark.parametrize("method", ALL)
def test_zeros_have_the_range_from_zero_to_zero(method):
    assert find_range(observed(np.zeros((5, 3))), method) == Range(0, 0)
    assert find_range(observed(np.zeros((5, 0))), method) == Range(0, 0)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("value", [5.0, -5.0, 1e-30, 3e38, -1e-45])
def test_one_number_is_the_end_of_its_range(method, value):
    found = find_range(observed(np.full((5, 3), value, np.float32)), method)
    value = float(np.float32(value))
    assert found == Range(min(value, 0), max(value, 0))


@pytest.mark.parametrize("method", ALL)
def test_numbers_that_are_not_finite_have_no_range(method):
    seen = observed(np.array([[1.0, np.nan], [2.0, -np.inf]]))
    assert (seen.least, seen.largest, seen.not_finite) == (1, 2, 2)
    with pytest.raises(CompileError, match="2 values of x are not finite"):
        find_range(seen, method)


def test_the_least_error_is_that_of_numbers_one_by_one():
    x = np.random.default_rng(0).standard_t(4, (100, 2000))
    seen = observed(x)
    found = find_range(seen, "mse")
    exact = np.square(x - quantized(x, found)).sum()
    assert squared_error(seen, found) == pytest.approx(exact, rel=0.02)
    # A step to any side makes it worse, or no better than the search can see.
    for low, high in [(0.8, 1.0), (1.0, 0.8), (1.2, 1.0), (1.0, 1.2), (1.2, 1.2)]:
        other = Range(found.low * low, found.high * high)
        assert np.square(x - quantized(x, other)).sum() > exact * 0.99
    whole = find_range(seen, "min-max")
    assert np.square(x - quantized(x, whole)).sum() > exact * 1.3


def test_zeros_cost_nothing_however_many_there_are():
    x = np.maximum(np.random.default_rng(0).standard_normal((100, 200)), 0)
    many = np.concatenate([x, np.zeros((2000, 200))])
    for method in ("mse", "kl"):
        assert find_range(observed(x), method) == find_range(observed(many), method)


@pytest.mark.parametrize("share", [50.0, 90.0, 99.9])
def test_percentiles_leave_out_at_most_their_share_and_a_bin_less_would_not(share):
    rng = np.random.default_rng(1)
    for x in (rng.standard_normal((100, 500)), rng.exponential(size=(100, 500))):
        seen = observed(x)
        found = percentile(seen, share)
        is_outside = (x < found.low) | (x > found.high)
        left_out = (100 - share) / 100
        assert is_outside.mean() <= left_out
        exact = np.quantile(np.abs(x), 1 - left_out)
        assert found.high == pytest.approx(exact, rel=0.05, abs=2 * seen.width)


def test_averages_move_by_a_tenth():
    x = np.zeros((96, 1))
    x[:32], x[32:64], x[64:] = 1.0, 2.0, 4.0  # Three batches.
    found = find_range(observed(x), "moving-average")
    assert found.high == pytest.approx(0.9 * (0.9 * 1 + 0.1 * 2) + 0.1 * 4)


@pytest.mark.parametrize("method", ["kl"])
def test_a_few_outliers_do_not_decide(method):
    x = np.random.default_rng(2).standard_normal((100, 1000))
    x[0, 0] = 80.0
    found = find_range(observed(x), method)
    assert 2.5 < found.high < 8
    assert find_range(observed(x), "min-max").high == 80


def test_what_may_be_wrong_is_said():
    x = np.random.default_rng(3).standard_normal((4, 3))
    zero = replace(observed(np.zeros((4, 3))), name="zero")
    few = replace(observed(x), name="few")
    odd = replace(observed(np.full((2, 1), np.nan)), name="odd")
    none = replace(observed(np.zeros((2, 0))), name="none")
    assert list(doubts([zero, few, odd, none], "min-max")) == [
        "tensors that are 0 in all samples, and have no range: 1 (zero)",
        "tensors that have no values in any sample: 1 (none)",
        "tensors that have values that are not finite, and no range: 1 (odd)",
    ]
    said = list(doubts([few], "percentile"))
    assert said == [
        "tensors with fewer than the 10000 values that percentile needs to leave any "
        "out: 1 (few)"
    ]
    assert fewest_values("kl") == BINS
    assert not list(doubts([observed(np.ones((100, 100)) + x[0, 0])], "percentile"))
