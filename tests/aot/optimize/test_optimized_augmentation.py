# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that change images at random are removed, of all versions of Keras."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.aot.optimize.plain_tensorflow import run_with_tensorflow
from tests.models.training import keras_training

AUGMENTATION = {
    "flip": lambda keras, **named: keras.layers.RandomFlip(**named),
    "turn": lambda keras, **named: keras.layers.RandomRotation(0.1, **named),
    "shift": lambda keras, **named: keras.layers.RandomTranslation(0.1, 0.2, **named),
    "zoom": lambda keras, **named: keras.layers.RandomZoom(0.3, **named),
    "contrast": lambda keras, **named: keras.layers.RandomContrast(0.2, **named),
}


@pytest.mark.slow
def test_augmentation_of_images_is_removed_whatever_it_is_called(tmp_path: Path):
    import keras

    named = [partial(make, keras, name=name) for name, make in AUGMENTATION.items()]
    model = keras_training(
        tmp_path / "net",
        *(partial(make, keras) for make in AUGMENTATION.values()),
        lambda: keras.layers.RandomBrightness(0.2),
        lambda: keras.layers.RandomHue(0.2, value_range=(0, 1)),
        *named[:-1],
        keras.layers.Flatten,
        shape=(8, 8, 3),
    )
    done = tfnative.optimize(tmp_path / "net", tmp_path / "small")
    ops = done.steps[-1].ops
    assert not [op for op in ops if re.search("Random|Assign|Transform|Reverse", op)]
    x = np.random.default_rng(3).random((3, 8, 8, 3), np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_allclose(found, model(x, training=False), atol=1e-6)


@pytest.mark.slow
def test_layers_of_keras_2_that_change_images_are_removed(tmp_path: Path):
    from tf_keras import layers

    made = [
        layers.RandomFlip(seed=1),
        layers.RandomRotation(0.1),
        layers.RandomTranslation(0.1, 0.2),
        layers.RandomZoom(0.3),
        layers.RandomContrast(0.2),
        layers.RandomBrightness(0.2),
    ]
    module = tf.Module()
    module.layers = made

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, "x")])
    def call(x: Any) -> dict[str, Any]:
        for layer in made:
            x = layer(x, training=True)
        return {"y": x}

    tf.saved_model.save(module, str(tmp_path / "net"), signatures=call)
    done = tfnative.optimize(tmp_path / "net", tmp_path / "small")
    x = np.random.default_rng(3).random((3, 8, 8, 3), np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_array_equal(found, x)
