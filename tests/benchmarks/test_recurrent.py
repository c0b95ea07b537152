# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What benchmarks.recurrent computes is what Keras' layers and the kernels do."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.recurrent import of_range, of_rows, scores


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_scores_are_those_of_keras(kind: str) -> None:
    pytest.importorskip("tensorflow")
    import keras

    layers = [getattr(keras.layers, kind)(64), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((5, 3)), *layers])
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=w.shape) * 0.3 for w in model.get_weights()]
    model.set_weights(weights)
    x = rng.normal(size=(4, 5, 3)).astype(np.float32)
    found = scores(kind, model.get_weights(), x, lambda _, numbers: numbers)
    np.testing.assert_allclose(found, model(x).numpy(), rtol=1e-4, atol=1e-5)


def test_rows_have_256_steps_of_their_own() -> None:
    numbers = np.float32([[0, 1, 255, 3.4], [-2.55, 0, -0.004, 0]])
    np.testing.assert_allclose(
        of_rows(numbers), [[0, 1, 255, 3], [-2.55, 0, 0, 0]], rtol=1e-5
    )


def test_what_is_outside_of_a_range_is_its_end() -> None:
    found = of_range(np.float32([[-3, 0.1, 7]]), (-1.0, 1.0))
    np.testing.assert_allclose(found, [[-1, 0.1, 1]], atol=0.0079)
