# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in training mode become those that predict, or are refused."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.aot.optimize.plain_tensorflow import run_with_tensorflow
from tests.models.saving import function_save
from tests.models.training import keras_training, tf1_dropout
from tfnative.errors import CompileError


@pytest.mark.parametrize("keep", ["constant", "default"])
def test_a_network_of_tensorflow_1_loses_its_dropout(keep: str, tmp_path: Path):
    path = tf1_dropout(tmp_path / "net", keep=keep)
    done = tfnative.optimize(path, tmp_path / "small")
    ops = done.steps[-1].ops
    assert not {"RandomUniform", "Floor", "ApplyAdam", "ScalarSummary"} & ops.keys()
    assert not {"FIFOQueueV2", "SaveV2"} & ops.keys()
    x = np.random.default_rng(2).standard_normal((4, 5)).astype(np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    w1, w2 = (
        tf.train.load_variable(str(path / "variables/variables"), name)
        for name in ("w1", "w2")
    )
    expected = tf.nn.softmax(np.maximum(x @ w1, 0) @ w2).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # What came before was random, and is not compared.
    removal = next(s for s in done.steps if s.transform == "remove_training_nodes")
    assert (removal.max_error is None) == (keep == "constant")


def test_a_keras_model_in_training_mode_predicts_as_in_prediction(tmp_path: Path):
    import keras

    model = keras_training(
        tmp_path / "net",
        lambda: keras.layers.Dense(8, activation="relu"),
        lambda: keras.layers.Dropout(0.5),
        lambda: keras.layers.GaussianNoise(0.2),
        lambda: keras.layers.GaussianDropout(0.2),
        lambda: keras.layers.AlphaDropout(0.1),
    )
    done = tfnative.optimize(tmp_path / "net", tmp_path / "small")
    assert not [op for op in done.steps[-1].ops if "Random" in op or "Assign" in op]
    x = np.random.default_rng(3).standard_normal((3, 6)).astype(np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_allclose(found, model(x, training=False), atol=1e-6)


@pytest.mark.slow
def test_a_recurrent_network_with_dropout_predicts_as_in_prediction(tmp_path: Path):
    import keras

    model = keras_training(
        tmp_path / "net",
        lambda: keras.layers.LSTM(4, dropout=0.3, return_sequences=True),
        lambda: keras.layers.SpatialDropout1D(0.5),
        lambda: keras.layers.GRU(4, recurrent_dropout=0.3),
        shape=(5, 3),
    )
    done = tfnative.optimize(tmp_path / "net", tmp_path / "small")
    assert not [op for op in done.steps[-1].ops if "Random" in op or "Assign" in op]
    x = np.random.default_rng(3).standard_normal((3, 5, 3)).astype(np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_allclose(found, model(x, training=False), atol=1e-6)


def _in_a_loop(x: Any) -> Any:
    def body(count: Any, state: Any) -> Any:
        state = tf.cond(
            count > 0, lambda: tf.nn.dropout(tf.tanh(state), 0.3), lambda: state * 2
        )
        return count + 1, state + tf.random.normal(tf.shape(state), stddev=0.2)

    return tf.while_loop(lambda count, _: count < 3, body, [0, x])[1]


def test_dropout_and_noise_in_loops_and_branches_are_removed(tmp_path: Path):
    x = np.random.default_rng(3).standard_normal((3, 4)).astype(np.float32)
    path = function_save(_in_a_loop, x=((None, 4), "float32"))(tmp_path / "net")
    done = tfnative.optimize(path, tmp_path / "small")
    assert not [op for op in done.steps[-1].ops if "Random" in op]
    (found,) = run_with_tensorflow(done.output, "serving_default", {"x": x}).values()
    np.testing.assert_allclose(found, np.tanh(np.tanh(x * 2)), atol=1e-6)


def test_signatures_that_change_variables_are_refused(tmp_path: Path):
    import keras

    cropped = partial(keras.layers.RandomCrop, 4, 4)
    keras_training(tmp_path / "net", cropped, shape=(8, 8, 3))
    with pytest.raises(CompileError, match=r"AssignVariableOp_1 change variables"):
        tfnative.optimize(tmp_path / "net", tmp_path / "small")
    keras_training(tmp_path / "drops", lambda: keras.layers.Dropout(0.5))
    with pytest.raises(CompileError, match="AssignVariableOp change variables"):
        tfnative.optimize(
            tmp_path / "drops", tmp_path / "small", transforms="fold_constants"
        )


def _with_a_generator(path: Path, form: Any) -> Path:
    module = tf.Module()
    module.generator = tf.random.Generator.from_seed(3)

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
    def call(x: Any) -> dict[str, Any]:
        return {"y": form(x, module.generator)}

    module.call = call
    tf.saved_model.save(module, str(path), signatures=call)
    return path


def test_noise_of_a_generator_is_removed_as_any_other(tmp_path: Path):
    path = _with_a_generator(
        tmp_path / "net", lambda x, rng: x * 2.0 + rng.normal(tf.shape(x))
    )
    done = tfnative.optimize(path, tmp_path / "small")
    x = np.random.default_rng(3).standard_normal((3, 4)).astype(np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_array_equal(found, x * 2)


def test_other_numbers_of_a_generator_are_refused_by_what_they_are(tmp_path: Path):
    path = _with_a_generator(
        tmp_path / "net", lambda x, rng: x * rng.uniform(tf.shape(x), 0.3, 0.9)
    )
    with pytest.raises(
        CompileError, match=r"RngReadAndSkip.*Generator keeps its state"
    ):
        tfnative.optimize(path, tmp_path / "small")
