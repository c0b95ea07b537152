# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Weights become whole numbers, and their own steps are looked for once."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from tests.aot.quantize.static.samples import normal
from tfnative_aot.quantize.static import scales
from tfnative_aot.quantize.static.scales import whole_weights


def test_steps_of_the_same_weights_are_looked_for_once(
    monkeypatch: pytest.MonkeyPatch,
):
    asked = []
    real = scales.own_steps

    def counted(flat: scales.Doubles, most: int) -> scales.Doubles:
        asked.append(most)
        return real(flat, most)

    monkeypatch.setattr(scales, "own_steps", counted)
    weights, bias = normal(1, 1, 1, 6, 4), np.zeros(4, np.float32)
    first = whole_weights(weights, bias, 0.1)
    again = whole_weights(weights, bias + 1, 0.1)
    np.testing.assert_array_equal(first.weights, again.weights)
    assert len(asked) == 1
    whole_weights(weights * 2, bias, 0.1)
    assert len(asked) == 2
    key = id(weights)
    assert key in scales._known
    del weights
    gc.collect()
    assert key not in scales._known
