# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that are whole numbers already are found out, and stay what they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

from tfnative_aot.quantize.static.own_steps import own_steps
from tfnative_aot.quantize.static.scales import whole_weights


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 300),
    st.integers(1, 127),
    st.floats(1e-6, 1e6),
)
def test_whole_numbers_of_a_step_stay_themselves(seed, rows, most, size):
    rng = np.random.default_rng(seed)
    whole = rng.integers(-most, most + 1, (rows, 5))
    steps = (size * rng.uniform(0.5, 2, 5)).astype(np.float32)
    # As a normalization leaves them that is folded into them.
    factors = rng.uniform(0.1, 3, 5).astype(np.float32)
    weights = whole.astype(np.float32) * steps * factors
    found = whole_weights(weights, np.zeros(5, np.float32), 1.0)
    error = np.abs(found.as_floats() - weights).max(axis=0)
    assert (error <= 1e-3 * steps * factors).all()


def test_other_weights_have_no_step():
    rng = np.random.default_rng(0)
    flat = np.abs(rng.standard_normal((500, 8)))
    flat[:, 3] = 0
    assert not own_steps(flat, 127).any()


def test_a_step_that_one_weight_does_not_fit_is_none():
    flat = np.float64(np.random.default_rng(0).integers(0, 128, (5000, 2)))
    flat[:, 1] *= 0.25
    flat[0] = 127, 0.25 * 127
    assert own_steps(flat, 127).tolist() == [1, 0.25]
    flat[4321, 0] = 63.5
    assert own_steps(flat, 127).tolist() == [0, 0.25]
