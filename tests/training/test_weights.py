# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of each strategy are exported: whatever Keras, optimizer and policy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.begin import compile_model
from training.checkpoints import OF, Checkpoints
from training.data import Data, open_data
from training.errors import CheckpointError
from training.finish import policy
from training.models import build_model
from training.options import FitOptions
from training.weights import last_checkpoint, model_of_checkpoint, step_of

pytestmark = pytest.mark.slow

OPTIONS = FitOptions(model="mlp", data="diabetes", steps=1, seed=3)


@pytest.fixture(scope="module")
def data(data_root: Path) -> Data:
    return open_data("diabetes", data_root / "diabetes")


def by_objects(library: str, precision: str, old: bool = False) -> Callable[..., Any]:
    """Saves as all strategies do that are not of TensorFlow 1."""

    def save(data: Data, folder: Path) -> list[np.ndarray]:
        keras = importlib.import_module(library)
        optimizers = keras.optimizers.legacy if old else None
        with policy(keras, precision):
            model = build_model("mlp", data, keras=keras, seed=9)
            compile_model(model, OPTIONS, data, 1, keras, optimizers)
        Checkpoints(folder, model).save()
        weights: list[np.ndarray] = model.get_weights()
        return weights

    return save


def by_names(data: Data, folder: Path) -> list[np.ndarray]:
    """Saves as ps-sync does, in a graph with an optimizer and a step."""
    import tensorflow as tf
    import tf_keras

    v1 = tf.compat.v1
    with tf.Graph().as_default():
        step = v1.train.get_or_create_global_step()
        rows = tf.zeros((4, 10))
        model = build_model("mlp", data, keras=tf_keras, seed=9)
        loss = tf.reduce_sum(model({"features": rows}, training=True))
        v1.train.AdamOptimizer(0.1).minimize(loss, global_step=step)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            saver = v1.train.Saver()
            saver.save(session, str(folder / "model.ckpt"), global_step=step)
            weights: list[np.ndarray] = session.run(model.weights)
    return weights


SAVED: dict[str, Callable[[Data, Path], list[np.ndarray]]] = {
    "single": by_objects("keras", "float32"),
    "mixed": by_objects("keras", "mixed_bfloat16"),
    "single in float16": by_objects("keras", "mixed_float16"),
    "multi-worker": by_objects("tf_keras", "float32"),
    "multi-worker in float16": by_objects("tf_keras", "mixed_float16"),
    "central": by_objects("tf_keras", "float32", old=True),
    "central in float16": by_objects("tf_keras", "mixed_float16", old=True),
    "ps-sync": by_names,
}


@pytest.mark.parametrize("strategy", SAVED)
def test_the_weights_are_those_that_were_trained(
    strategy: str, data: Data, tmp_path: Path
):
    expected = SAVED[strategy](data, tmp_path)
    path = last_checkpoint(tmp_path)
    assert step_of(path) == 0
    model, _ = model_of_checkpoint(path, OPTIONS, data)
    # Keras 3 and tf-keras have them in the same order.
    for found, weights in zip(model.get_weights(), expected, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, weights)


@pytest.mark.parametrize("strategy", ["single", "multi-worker", "ps-sync"])
def test_a_checkpoint_of_another_model_is_refused(
    strategy: str, data: Data, tmp_path: Path
):
    SAVED[strategy](data, tmp_path)
    path = last_checkpoint(tmp_path)
    other = FitOptions(model="wide_deep", data="diabetes")
    with pytest.raises(CheckpointError, match="name the model that it is of"):
        model_of_checkpoint(path, other, data)
    (tmp_path / OF).write_text('{"model": "mlp", "data": "diabetes"}')
    with pytest.raises(CheckpointError, match="are of model mlp, not of model wide"):
        model_of_checkpoint(path, other, data)


def test_a_folder_without_a_checkpoint_is_named(tmp_path: Path):
    with pytest.raises(CheckpointError, match="is no folder"):
        last_checkpoint(tmp_path / "none")
    with pytest.raises(CheckpointError, match="has no checkpoint"):
        last_checkpoint(tmp_path)


def test_a_checkpoint_that_is_cut_off_is_refused(data: Data, tmp_path: Path):
    SAVED["single"](data, tmp_path)
    (file,) = tmp_path.glob("*.data-*")
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(CheckpointError, match="or is damaged"):
        model_of_checkpoint(last_checkpoint(tmp_path), OPTIONS, data)
