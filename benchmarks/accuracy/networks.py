# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Networks that are small enough to be trained in minutes on one core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy.data import DataSet

EPOCHS = {
    ("digits", "cnn"): 40,
    ("digits", "mobilenet_v2"): 40,
    ("fashion_mnist", "cnn"): 4,
    ("fashion_mnist", "mobilenet_v2"): 1,
}
"""How often a network sees each image of a data set: for minutes on one core."""

_BATCH = 64
_MOMENTUM = 0.9


def cnn(shape: Sequence[int]) -> Any:
    """16, 32 and 64 filters with batch normalization, for images of that shape."""
    import keras
    from keras import layers

    image = x = keras.Input(shape, name="image")
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
        x = layers.MaxPooling2D()(layers.ReLU()(x))
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(10, name="scores")(x))


def mobilenet_v2(shape: Sequence[int]) -> Any:
    """Seven inverted residual blocks, as those of Sandler et al. (2018)."""
    import keras
    from keras import layers

    image = keras.Input(shape, name="image")
    x = _convolution(image, 16, 3, stride=2 if shape[0] > 16 else 1)
    for filters, stride in ((16, 1), (24, 2), (24, 1), (32, 1), (32, 1), (48, 2)):
        x = _inverted_residual(x, filters, stride)
    x = _convolution(_inverted_residual(x, 48, 1), 128, 1)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10, name="scores")(x))


def _inverted_residual(x: Any, filters: int, stride: int) -> Any:
    from keras import layers

    given = x
    x = _convolution(x, 4 * given.shape[-1], 1)
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=_MOMENTUM)(x))
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
    return x + given if x.shape == given.shape else x


def _convolution(x: Any, filters: int, size: int, stride: int = 1) -> Any:
    from keras import layers

    x = layers.Conv2D(filters, size, stride, padding="same", use_bias=False)(x)
    return layers.ReLU(6.0)(layers.BatchNormalization(momentum=_MOMENTUM)(x))


NETWORKS: Mapping[str, Callable[[Sequence[int]], Any]] = {
    "cnn": cnn,
    "mobilenet_v2": mobilenet_v2,
}
"""By their names."""


def trained(name: str, data: DataSet, folder: Path, epochs: int) -> Path:
    """The SavedModel of a trained network, which is kept in ``folder``."""
    output = folder / f"{data.name}_{name}_{epochs}"
    if output.is_dir():
        return output
    import keras

    keras.utils.set_random_seed(1)
    model = NETWORKS[name](data.training.pixels.shape[1:])
    steps = epochs * -(-len(data.training.labels) // _BATCH)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(
        data.training.pixels,
        data.training.labels,
        batch_size=_BATCH,
        epochs=epochs,
        verbose=0,
    )
    model.export(str(output), format="tf_saved_model", verbose=False)
    return output
