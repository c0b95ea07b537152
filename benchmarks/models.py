# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models of the workloads, exported in a process of their own.

python -m benchmarks.models NAME OUTPUT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import run_python

VOCABULARY = 1000
"""Whole numbers that a model takes are ids below this."""


def export(name: str, folder: Path) -> Path:
    """Exports a model below ``folder`` and returns the SavedModel's path."""
    output = folder / name
    run_python("-m", "benchmarks.models", name, output)
    return output


def mlp() -> Any:
    """32-64-64-1."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((32,), name="x"),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1, name="y"),
        ]
    )


def mlp_images() -> Any:
    """784-512-512-10, for images of 28 by 28."""
    import keras
    from keras import layers

    hidden = [layers.Dense(512, activation="relu") for _ in range(2)]
    return keras.Sequential(
        [keras.Input((784,), name="x"), *hidden, layers.Dense(10, name="y")]
    )


def mlp_large() -> Any:
    """512-1024-1024-512-10."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((512,), name="x"),
            layers.Dense(1024, activation="relu"),
            layers.Dense(1024, activation="relu"),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, name="y"),
        ]
    )


def mlp_wide() -> Any:
    """Four layers of 1024 by 1024: at one row, nothing but reading weights."""
    import keras
    from keras import layers

    hidden = [layers.Dense(1024, activation="relu") for _ in range(3)]
    return keras.Sequential(
        [keras.Input((1024,), name="x"), *hidden, layers.Dense(1024, name="y")]
    )


def cnn() -> Any:
    """28 by 28, 32 and 64 filters with batch normalization."""
    import keras
    from keras import layers

    stack = [keras.Input((28, 28, 1), name="x")]
    for filters in (32, 64):
        stack += [
            layers.Conv2D(filters, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
        ]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(10, name="y")])


def wide_deep() -> Any:
    """13 numbers and 26 ids, which are embedded in 16 numbers each; 256-128-1."""
    import keras
    from keras import layers

    numbers = keras.Input((13,), name="numbers")
    ids = keras.Input((26,), dtype="int32", name="ids")
    wide = layers.Flatten()(layers.Embedding(VOCABULARY, 1)(ids))
    deep = layers.Flatten()(layers.Embedding(VOCABULARY, 16)(ids))
    deep = layers.Concatenate()([deep, numbers])
    for units in (256, 128):
        deep = layers.Dense(units, "relu")(deep)
    both = layers.Concatenate()([wide, numbers, deep])
    return keras.Model([numbers, ids], layers.Dense(1, "sigmoid", name="y")(both))


def lstm() -> Any:
    """32 steps of 16 numbers, 64 units."""
    return _recurrent("LSTM")


def gru() -> Any:
    """32 steps of 16 numbers, 64 units."""
    return _recurrent("GRU")


def _recurrent(layer: str) -> Any:
    import keras
    from keras import layers

    stack = [getattr(layers, layer)(64), layers.Dense(8, name="y")]
    return keras.Sequential([keras.Input((32, 16), name="x"), *stack])


def transformer() -> Any:
    """An encoder: 64 tokens of 128 numbers, 4 heads, 2 layers."""
    import keras
    from keras import layers

    x = tokens = keras.Input((64, 128), name="x")
    for _ in range(2):
        y = layers.MultiHeadAttention(num_heads=4, key_dim=32)(x, x)
        x = layers.LayerNormalization()(x + y)
        y = layers.Dense(128)(layers.Dense(512, activation="relu")(x))
        x = layers.LayerNormalization()(x + y)
    return keras.Model(tokens, layers.Dense(10, name="y")(x[:, 0]))


def audio() -> Any:
    """A network of 1D convolutions over a second of sound at 16 kHz."""
    import keras
    from keras import layers

    stack = [keras.Input((16000, 1), name="x")]
    for filters, size, stride in ((32, 80, 4), (64, 3, 4), (128, 3, 4), (256, 3, 4)):
        stack.append(layers.Conv1D(filters, size, stride, activation="relu"))
    pooled = [layers.GlobalAveragePooling1D(), layers.Dense(35, name="y")]
    return keras.Sequential([*stack, *pooled])


def wide_and_deep() -> Any:
    """8 ids and 13 numbers: a linear part, and embeddings under 256-128-64."""
    import keras
    from keras import layers

    ids = keras.Input((8,), name="ids", dtype="int32")
    numbers = keras.Input((13,), name="numbers")
    columns = [ids[:, i] for i in range(8)]
    weights = [layers.Embedding(VOCABULARY, 1)(column) for column in columns]
    wide = layers.Dense(1)(layers.Concatenate()([*weights, numbers]))
    vectors = [layers.Embedding(VOCABULARY, 16)(column) for column in columns]
    deep = layers.Concatenate()([*vectors, numbers])
    for units in (256, 128, 64):
        deep = layers.Dense(units, activation="relu")(deep)
    y = layers.Activation("sigmoid", name="y")(wide + layers.Dense(1)(deep))
    return keras.Model({"ids": ids, "numbers": numbers}, y)


def mobilenet_v2() -> Any:
    """For images of 224 by 224."""
    return _application("MobileNetV2")


def efficientnet_b0() -> Any:
    """For images of 224 by 224."""
    return _application("EfficientNetB0")


def resnet50() -> Any:
    """For images of 224 by 224."""
    return _application("ResNet50")


def densenet121() -> Any:
    """For images of 224 by 224."""
    return _application("DenseNet121")


def unet() -> Any:
    """For images of 128 by 128: 5 levels of 16 to 256 filters, joined by copies."""
    import keras
    from keras import layers

    def block(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

    image = keras.Input((128, 128, 3), name="x")
    x, skipped = image, []
    for filters in (16, 32, 64, 128):
        x = block(x, filters)
        skipped.append(x)
        x = layers.MaxPooling2D()(x)
    x = block(x, 256)
    for filters, skip in zip((128, 64, 32, 16), reversed(skipped), strict=True):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        x = block(layers.Concatenate()([x, skip]), filters)
    return keras.Model(image, layers.Conv2D(1, 1, name="y")(x))


def _application(name: str) -> Any:
    import keras

    # Random scores make probabilities that are all alike, which 8 bits cannot show.
    return getattr(keras.applications, name)(
        input_tensor=keras.Input((224, 224, 3), name="x"),
        weights=None,
        classifier_activation=None,
    )


MODELS = {
    model.__name__: model
    for model in (
        mlp,
        mlp_large,
        cnn,
        lstm,
        gru,
        transformer,
        audio,
        wide_and_deep,
        mobilenet_v2,
        efficientnet_b0,
        resnet50,
    )
}

"""What `python -m benchmarks` measures."""

EXPORTED = {
    **MODELS,
    "densenet121": densenet121,
    "mlp_images": mlp_images,
    "mlp_wide": mlp_wide,
    "unet": unet,
    "wide_deep": wide_deep,
}
"""All that can be exported: those whose memory, precision or jobs are measured, too."""


def build(name: str) -> Any:
    """A Keras model with random weights, the same each time."""
    import keras

    keras.utils.set_random_seed(1)
    model = EXPORTED[name]()
    _normalize(model)
    return model


def _normalize(model: Any) -> None:
    """Gives batch normalization the statistics of a batch.

    With those of a new model, random layers make numbers larger and larger, or smaller,
    and what is left of them in 8 bits says nothing of a trained model.
    """
    import numpy as np
    from keras.layers import BatchNormalization

    found = [layer for layer in model.layers if isinstance(layer, BatchNormalization)]
    if not found:
        return
    momenta = [layer.momentum for layer in found]
    (given,) = model.inputs
    rng = np.random.default_rng(4)
    for layer in found:
        layer.momentum = 0.0
    model(rng.standard_normal((16, *given.shape[1:]), np.float32), training=True)
    for layer, momentum in zip(found, momenta, strict=True):
        layer.momentum = momentum


def main(name: str, output: str) -> None:
    """Exports a model."""
    build(name).export(output, format="tf_saved_model", verbose=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
