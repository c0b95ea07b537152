# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Clips between bounds, rounds to numbers between them, and normalizes channels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.fidelity.compiled import both
from tests.turns import Once

pytestmark = pytest.mark.slow

RANDOM = np.random.default_rng(8)
HUNDREDTHS = (RANDOM.integers(-400, 400, (64, 4)) / 100).astype(np.float32)
RANGES = [
    *((-2, 3, 4), (-3, 3, 8), (-2.5, 2.5, 6), (0, 6, 8), (-0.7, 0.9, 8)),
    *((-2.5, -0.5, 6), (0, 0, 4)),
]


def expect_equal(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_halves_are_rounded_up_as_in_tensorflow(once: Once):
    kinds = [*itertools.product(RANGES, (False, True), (False, True))]

    def compute(x: Any) -> dict[str, Any]:
        quantize = tf.quantization.quantize_and_dequantize_v2
        results = {
            f"y{at}": quantize(
                *(x, low, high),
                num_bits=bits,
                range_given=True,
                round_mode="HALF_UP",
                narrow_range=is_narrow,
                signed_input=is_signed,
            )
            for at, ((low, high, bits), is_narrow, is_signed) in enumerate(kinds)
        }
        own: dict[str, Any] = {"num_bits": 5, "round_mode": "HALF_UP"}
        results["own"] = quantize(x, 0.0, 0.0, range_given=False, **own)
        results["unsigned"] = quantize(
            x, 0.0, 0.0, range_given=False, signed_input=False, **own
        )
        ends = tf.zeros([4])
        results["axis"] = quantize(x, ends, ends, range_given=False, axis=1, **own)
        return results

    expect_equal(*both(once, "halves/up", compute, {"x": HUNDREDTHS}))


# TensorFlow's own, of the largest uint64 as a signed number.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_the_lower_of_two_bounds_in_the_wrong_order_is_the_result(once: Once):
    def compute(x: Any, low: Any, high: Any) -> dict[str, Any]:
        whole = tf.cast(x * 10, tf.int32)
        clip = tf.raw_ops.ClipByValue
        return {
            "fed": clip(t=x, clip_value_min=low, clip_value_max=high),
            "constant": clip(t=x, clip_value_min=1.0, clip_value_max=-1.0),
            "usual": clip(t=x, clip_value_min=-1.0, clip_value_max=1.0),
            "whole": clip(t=whole, clip_value_min=10, clip_value_max=-10),
            "both": tf.maximum(tf.minimum(whole, -10), 10),
            "equal": tf.maximum(tf.minimum(whole, 3), 3),
            "saturated": tf.bitcast(
                tf.saturate_cast(tf.cast(whole, tf.int64), tf.uint64), tf.int64
            ),
        }

    low = RANDOM.normal(size=(64, 4)).astype(np.float32)
    inputs = {"x": HUNDREDTHS, "low": low, "high": low[::-1].copy()}
    inputs["x"][0] = [np.nan, np.inf, -np.inf, -0.0]
    expect_equal(*both(once, "bounds/order", compute, inputs))


def test_a_channel_that_is_no_number_is_seen_by_all(once: Once):
    def compute(x: Any) -> dict[str, Any]:
        return {
            f"y{at}": tf.nn.local_response_normalization(x, *options)
            for at, options in enumerate(
                [(1,), (5,), (2, 1.0, 1e-4, 0.75), (1, 2.0, 0.5, 1.0), (3, 1.5, 1e-3)]
            )
        }

    x = RANDOM.normal(size=(6, 2, 2, 8)).astype(np.float32)
    x[1, 0, 0, 2], x[2, 1, 1, 7], x[3, 0, 1, 0] = np.nan, np.inf, 1e25
    x[4] *= 1e4
    found, wanted = both(once, "response/odd", compute, {"x": x})
    for name, array in wanted.items():
        np.testing.assert_array_equal(np.isnan(found[name]), np.isnan(array))
        np.testing.assert_allclose(found[name], array, rtol=2e-6, err_msg=name)
