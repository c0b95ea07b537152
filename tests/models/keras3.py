# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Small Keras 3 models, one per kind of layer that users have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.models.case import ModelCase, integers, normal
from tests.models.saving import Build, keras3_bare_save, keras3_export

_SMALL = frozenset({"small", "keras3"})


def mlp() -> Any:
    """The 32-64-64-1 network of the benchmarks."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((32,), name="x"),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ]
    )


def digits_cnn() -> Any:
    """A classifier of 8x8 digits with batch normalization."""
    import keras
    from keras import layers

    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(16, 3, padding="same")(image)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(32, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(10, activation="softmax", name="probabilities")(x)
    return keras.Model(image, {"probabilities": x})


def _stack(shape: Sequence[int | None], *make: str, **options: Any) -> Build:
    """A model of one layer, or of some, given by name with ``options`` for all."""

    def build() -> Any:
        import keras
        from keras import layers

        stack = [getattr(layers, name)(**options) for name in make]
        return keras.Sequential([keras.Input(shape, name="x"), *stack])

    return build


def _conv_with_norm(shape: Sequence[int], layer: str, **options: Any) -> Build:
    """A convolution, batch normalization and ReLU."""

    def build() -> Any:
        import keras
        from keras import layers

        return keras.Sequential(
            [
                keras.Input(shape, name="x"),
                getattr(layers, layer)(**options),
                layers.BatchNormalization(),
                layers.ReLU(),
            ]
        )

    return build


def _attention() -> Any:
    import keras
    from keras import layers

    query = keras.Input((12, 32), name="query")
    value = keras.Input((9, 32), name="value")
    x = layers.MultiHeadAttention(num_heads=4, key_dim=8)(query, value)
    return keras.Model([query, value], x)


def _transformer_encoder() -> Any:
    import keras
    from keras import layers

    tokens = keras.Input((16,), dtype="int32", name="tokens")
    x = layers.Embedding(50, 32)(tokens)
    for _ in range(2):
        y = layers.MultiHeadAttention(num_heads=4, key_dim=8)(x, x)
        x = layers.LayerNormalization()(x + y)
        y = layers.Dense(64, activation="gelu")(x)
        x = layers.LayerNormalization()(x + layers.Dense(32)(y))
    return keras.Model(tokens, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


def _two_in_two_out() -> Any:
    import keras
    from keras import layers

    image = keras.Input((6, 6, 2), name="image")
    side = keras.Input((5,), name="side")
    x = layers.Flatten()(layers.Conv2D(4, 3)(image))
    x = layers.Concatenate()([x, side])
    return keras.Model(
        {"image": image, "side": side},
        {"score": layers.Dense(1)(x), "label": layers.Dense(4)(x)},
    )


def _dense_with_norm() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((20,), name="x"),
            layers.Dense(32),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.BatchNormalization(),
            layers.Dense(4),
        ]
    )


def _unknown_length() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((None, 4), name="x"),
            layers.Conv1D(5, 3),
            layers.GlobalAveragePooling1D(),
        ]
    )


def _bidirectional() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [keras.Input((6, 4), name="x"), layers.Bidirectional(layers.GRU(5))]
    )


def _bag_of_words() -> Any:
    import keras
    from keras import layers

    tokens = keras.Input((9,), dtype="int32", name="tokens")
    x = layers.Embedding(30, 8, mask_zero=True)(tokens)
    return keras.Model(tokens, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


def _case(name: str, build: Build, **fields: Any) -> ModelCase:
    fields.setdefault("tags", _SMALL)
    fields.setdefault("signatures", ("serve", "serving_default"))
    return ModelCase(name, keras3_export(build), **fields)


_CONV2D = {
    "conv2d": dict(filters=5, kernel_size=3, padding="same"),
    "conv2d_strided": dict(filters=6, kernel_size=3, strides=2, padding="same"),
    "conv2d_dilated": dict(filters=4, kernel_size=3, dilation_rate=2),
    "conv2d_grouped": dict(filters=8, kernel_size=3, groups=2),
    "conv2d_even": dict(filters=4, kernel_size=(2, 4), strides=(2, 1)),
}
_CONV_SHAPE = (11, 10, 4)

CASES = [
    _case("mlp", mlp, makers={"x": normal(32)}),
    _case("digits_cnn", digits_cnn, makers={"image": normal(8, 8, 1)}),
    _case("dense_norm", _dense_with_norm, makers={"x": normal(20)}),
    _case("lstm", _stack((12, 8), "LSTM", units=16), makers={"x": normal(12, 8)}),
    _case(
        "lstm_sequences",
        _stack((7, 5), "LSTM", "LSTM", units=6, return_sequences=True),
        makers={"x": normal(7, 5)},
    ),
    _case("gru", _stack((12, 8), "GRU", units=16), makers={"x": normal(12, 8)}),
    _case(
        "simple_rnn", _stack((6, 4), "SimpleRNN", units=5), makers={"x": normal(6, 4)}
    ),
    _case("bidirectional", _bidirectional, makers={"x": normal(6, 4)}),
    _case(
        "bag_of_words",
        _bag_of_words,
        makers={"tokens": integers(9, below=30)},
    ),
    _case("mha", _attention, makers={"query": normal(12, 32), "value": normal(9, 32)}),
    _case(
        "transformer",
        _transformer_encoder,
        makers={"tokens": integers(16, below=50)},
    ),
    _case(
        "two_in_two_out",
        _two_in_two_out,
        makers={"image": normal(6, 6, 2), "side": normal(5)},
    ),
    _case(
        "conv1d",
        _conv_with_norm((17, 3), "Conv1D", filters=6, kernel_size=3),
        makers={"x": normal(17, 3)},
    ),
    _case(
        "conv1d_dilated",
        _conv_with_norm(
            (17, 3), "Conv1D", filters=6, kernel_size=3, dilation_rate=2, padding="same"
        ),
        makers={"x": normal(17, 3)},
    ),
    _case(
        "conv1d_transposed",
        _conv_with_norm((9, 3), "Conv1DTranspose", filters=4, kernel_size=3, strides=2),
        makers={"x": normal(9, 3)},
    ),
    _case(
        "conv3d",
        _conv_with_norm((6, 7, 5, 2), "Conv3D", filters=4, kernel_size=3),
        makers={"x": normal(6, 7, 5, 2)},
    ),
    *(
        _case(
            name,
            _conv_with_norm(_CONV_SHAPE, "Conv2D", **options),
            makers={"x": normal(*_CONV_SHAPE)},
        )
        for name, options in _CONV2D.items()
    ),
    _case(
        "depthwise",
        _conv_with_norm(
            _CONV_SHAPE, "DepthwiseConv2D", kernel_size=3, depth_multiplier=2
        ),
        makers={"x": normal(*_CONV_SHAPE)},
    ),
    _case(
        "depthwise_dilated",
        _conv_with_norm(_CONV_SHAPE, "DepthwiseConv2D", kernel_size=3, dilation_rate=2),
        makers={"x": normal(*_CONV_SHAPE)},
    ),
    _case(
        "separable",
        _conv_with_norm(_CONV_SHAPE, "SeparableConv2D", filters=6, kernel_size=3),
        makers={"x": normal(*_CONV_SHAPE)},
    ),
    _case(
        "conv2d_transposed",
        _conv_with_norm(
            _CONV_SHAPE, "Conv2DTranspose", filters=6, kernel_size=3, strides=2
        ),
        makers={"x": normal(*_CONV_SHAPE)},
    ),
    _case(
        "unknown_length",
        _unknown_length,
        makers={"x": normal(16, 4)},
        shapes={"x": (-1, 16, 4)},
    ),
    ModelCase(
        "keras3_bare",
        keras3_bare_save(mlp),
        makers={"inputs": normal(32)},
        tags=_SMALL,
    ),
]
