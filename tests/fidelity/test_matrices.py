# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Equations are solved as exactly as by TensorFlow, and refused where it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tests.turns import Once

SIZE = 6
RANDOM = np.random.default_rng(3)
MATRIX = RANDOM.uniform(-1, 1, (SIZE, SIZE)).astype(np.float32)


def solved(x: Any) -> dict[str, Any]:
    return {
        "inverse": tf.linalg.inv(x),
        "solved": tf.map_fn(lambda a: tf.linalg.solve(a, a + 1, adjoint=True), x),
    }


def compile_model(function: Callable[..., Any], folder: Path) -> Path:
    module = tf.Module()
    specs = [tf.TensorSpec([None, SIZE, SIZE], tf.float32, "x")]
    module.f = tf.function(function, input_signature=specs, autograph=False)
    tf.saved_model.save(module, folder / "model", signatures=module.f)
    return tfnative.compile(
        folder / "model", folder / "it", name="it", cpus=["native"], batch_sizes=[1]
    )


@pytest.fixture(scope="module")
def model(once: Once) -> Iterator[tfnative.Model]:
    path = once("matrices/solved", lambda folder: compile_model(solved, folder))
    with tfnative.load(path) as loaded:
        yield loaded


@pytest.mark.slow
@pytest.mark.parametrize("axis", [0, 1, (0, 1)], ids=["row", "column", "all"])
@pytest.mark.parametrize("factor", [1e6, 1e-6, 1e3])
def test_badly_scaled_equations_are_solved_as_exactly_as_in_tensorflow(
    model: tfnative.Model, axis: Any, factor: float
) -> None:
    scaled = MATRIX.copy()
    if axis == (0, 1):
        scaled *= factor
    else:
        np.moveaxis(scaled, axis, 0)[SIZE // 2] *= factor
    inputs = {"x": scaled[None]}
    found = model.predict(inputs)
    exact = solved(*(tf.constant(a, tf.float64) for a in inputs.values()))
    wanted = solved(*(tf.constant(a) for a in inputs.values()))
    for name, true in exact.items():
        ours = np.abs(found[name] - true).max()
        theirs = np.abs(wanted[name].numpy() - true).max()
        assert ours <= max(4 * theirs, 1e-6 * np.abs(true).max()), name


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_odd_numbers_in_matrices_give_what_they_give_in_tensorflow(
    model: tfnative.Model, value: float
) -> None:
    for place in np.ndindex(SIZE, SIZE):
        x = MATRIX.copy()
        x[place] = value
        try:
            wanted = solved(tf.constant(x[None]))
        except tf.errors.InvalidArgumentError:
            with pytest.raises(tfnative.InvalidArgumentError, match="not invertible"):
                model.predict({"x": x[None]})
            continue
        found = model.predict({"x": x[None]})
        for name, each in wanted.items():
            np.testing.assert_allclose(
                found[name], each.numpy(), rtol=1e-3, atol=1e-4, err_msg=f"{place}"
            )


@pytest.mark.slow
def test_models_compile_that_take_definite_matrices_alone(once: Once) -> None:
    def factor(x: Any) -> dict[str, Any]:
        return {"y": tf.linalg.cholesky_solve(tf.linalg.cholesky(x), x + 1)}

    x = MATRIX @ MATRIX.T + np.eye(SIZE, dtype=np.float32)
    path = once("matrices/definite", lambda folder: compile_model(factor, folder))
    with tfnative.load(path) as loaded:
        found = loaded.predict({"x": x[None]})["y"]
    wanted = factor(tf.constant(x[None]))["y"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
