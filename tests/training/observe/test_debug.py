# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A NaN that was planted is found by the op that makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.errors import TrainingError
from training.observe.debug import debugging, first_bad_op


def _train(sick: bool) -> None:
    """Trains a model, of which one op takes the logarithm of numbers below zero."""
    import keras

    def layer(x: Any) -> Any:
        return keras.ops.log(x - 100.0 if sick else x * x + 1.0)

    inputs = keras.Input((4,))
    hidden = keras.layers.Lambda(layer, name="odd")(keras.layers.Dense(3)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    model.compile("sgd", "mse", jit_compile=False)
    rows = np.ones((8, 4), np.float32)
    model.fit(rows, rows[:, :1], verbose=0)


def test_numerics_end_at_the_op_and_name_its_line() -> None:
    with (
        pytest.raises(
            TrainingError,
            match=r"is Log, \S*odd\S*/Log, made by \S*test_debug\.py:\d+: .*NaN",
        ),
        debugging("numerics", None),
    ):
        _train(sick=True)
    _train(sick=True)  # Nobody looks any more.
    with debugging("numerics", None):
        _train(sick=False)


def test_a_dump_tells_the_first_op(tmp_path: Path) -> None:
    for name, sick in (("sick", True), ("sound", False)):
        with debugging("dump", tmp_path / name):
            _train(sick=sick)
    found = first_bad_op(tmp_path / "sick" / "debug")
    assert found is not None
    assert found.type == "Log"
    assert "odd" in found.name
    assert found.found == "NaN (24 of 24)"
    assert first_bad_op(tmp_path / "sound" / "debug") is None
    with pytest.raises(TrainingError, match="--debug dump"):
        first_bad_op(tmp_path)


def test_other_errors_pass() -> None:
    import tensorflow as tf

    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="Matrix size"),
        debugging("numerics", None),
    ):
        tf.matmul(tf.ones([1, 2]), tf.ones([3, 1]))
