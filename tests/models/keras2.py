# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Keras 2 models, saved after training, with the optimizer's variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.models.case import ModelCase, normal
from tests.models.saving import randomize


def _convolutional() -> Any:
    import tf_keras
    from tf_keras import layers

    return tf_keras.Sequential(
        [
            layers.Input((8, 6, 2), name="x"),
            layers.Conv2D(6, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, name="scores"),
        ]
    )


def _recurrent() -> Any:
    import tf_keras
    from tf_keras import layers

    return tf_keras.Sequential(
        [layers.Input((5, 4), name="x"), layers.LSTM(8), layers.Dense(2, name="scores")]
    )


def _trained(build: Any, *, optimizer: str) -> Any:
    def export(path: Path) -> Path:
        import tf_keras

        tf_keras.utils.set_random_seed(2)
        model = build()
        model.compile(optimizer=optimizer, loss="mse")
        rng = np.random.default_rng(5)
        x = rng.standard_normal((4, *model.input_shape[1:]), np.float32)
        y = rng.standard_normal((4, *model.output_shape[1:]), np.float32)
        model.fit(x, y, epochs=1, batch_size=4, verbose=0)
        randomize(model).save(str(path), save_format="tf")
        return path

    return export


def _case(name: str, build: Any, *shape: int, optimizer: str = "adam") -> ModelCase:
    return ModelCase(
        name,
        _trained(build, optimizer=optimizer),
        makers={"x": normal(*shape)},
        tags=frozenset({"small", "keras2"}),
    )


CASES = [
    _case("keras2_cnn", _convolutional, 8, 6, 2),
    _case("keras2_lstm", _recurrent, 5, 4, optimizer="sgd"),
]
