# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rounded weights are near to what they were, and smaller types hold them exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from tfnative_aot.quantize.rounding import (
    CannotRoundError,
    quantized,
    rounded,
    short,
    signal_to_noise,
)

sizes = st.floats(2.0**-60, 2.0**60, width=32)
unit = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 5)),
    elements=st.floats(-1, 1, width=32),
)


@given(unit, sizes)
def test_whole_numbers_are_at_most_half_a_scale_away(weights, size):
    weights = weights * np.float32(size)
    try:
        whole, scale = quantized(weights, (0,))
    except CannotRoundError:
        largest = np.abs(weights).max(axis=0)
        assert largest[largest > 0].min() < 2.0**-92
        return
    assert np.array_equal(whole, np.rint(whole))
    assert np.abs(whole).max() <= 127
    exact = whole.astype(np.float64) * scale.astype(np.float64)
    assert np.array_equal((whole * scale).astype(np.float64), exact)
    assert (np.abs(exact - weights) <= scale / 2 * (1 + 2.0**-20)).all()


@given(unit)
def test_a_channel_uses_all_of_its_range(weights):
    whole, _ = quantized(weights + np.float32(2), (0,))
    assert (np.abs(whole).max(axis=0) == 127).all()


@given(sizes)
def test_a_short_scale_is_not_less_and_hardly_more(size):
    given_scale = np.array([size], np.float32)
    found = short(given_scale)
    assert (given_scale <= found).all()
    assert (found <= given_scale * (1 + 2.0**-15)).all()


def test_zeros_stay_zeros():
    weights = np.zeros((4, 3), np.float32)
    weights[:, 1] = [1, -2, 3, -4]
    whole, scale = quantized(weights, (0,))
    assert scale.ravel().tolist()[::2] == [1, 1]
    assert not whole[:, [0, 2]].any()
    np.testing.assert_array_equal(rounded(weights, "s8", (0,))[:, 0], 0)


@pytest.mark.parametrize("stored", ["f16", "bf16"])
def test_floats_are_rounded_as_tensorflow_casts_them(stored):
    import tensorflow as tf

    weights = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    half = tf.float16 if stored == "f16" else tf.bfloat16
    expected = tf.cast(tf.cast(weights, half), tf.float32).numpy()
    np.testing.assert_array_equal(rounded(weights, stored, None), expected)


@pytest.mark.parametrize(
    ("stored", "change", "reason"),
    [
        ("f16", lambda w: w * 1e6, "largest values"),
        ("f16", lambda w: w * 1e-7, "tell the values of a channel apart"),
        ("f16", lambda w: w * np.nan, "finite"),
        ("bf16", lambda w: w * np.inf, "finite"),
        ("s8", lambda w: w * np.nan, "finite"),
        ("s8", lambda w: w * np.float32(1e-35), "tiny"),
    ],
)
def test_what_is_not_near_is_said(stored, change, reason):
    weights = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32) + 3
    with pytest.raises(CannotRoundError, match=reason):
        rounded(change(weights).astype(np.float32), stored, (0,))


def test_channels_have_to_be_known():
    with pytest.raises(CannotRoundError, match="different dimensions"):
        rounded(np.ones((4, 4), np.float32), "s8", None)


@pytest.mark.parametrize("stored", ["f16", "s8"])
def test_one_channel_of_tiny_values_does_not_become_zeros(stored):
    weights = np.random.default_rng(0).standard_normal((64, 8)).astype(np.float32)
    weights[:, 3] *= 1e-9
    if stored == "f16":
        with pytest.raises(CannotRoundError, match="of a channel"):
            rounded(weights, stored, (0,))
    else:
        error = np.abs(rounded(weights, stored, (0,)) - weights)
        assert (error.max(axis=0) < 0.01 * np.abs(weights).max(axis=0)).all()


def test_signal_to_noise_is_in_decibels():
    weights = np.array([3.0, 4.0], np.float32)
    assert signal_to_noise(weights, weights) is None
    assert signal_to_noise(weights, weights * 1.1) == pytest.approx(20, abs=1e-4)
