# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Keyword spotting: a log-mel spectrogram by STFT, and convolutions over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.data.sources.words import RATE
from training.errors import DataError
from training.models.spec import ModelSpec, head, inputs_of

if TYPE_CHECKING:
    from training.data import Data

FRAME, STEP = 256, 128
"""Samples: 32 ms and 16 ms."""
MELS = 40
LOWEST, HIGHEST = 60.0, 3_800.0
"""Of the mel bands, in Hz."""
SILENCE = 1e-4
"""Power below which a logarithm says nothing."""


def build(data: Data, keras: Any) -> Any:
    """The STFT is a convolution with fixed weights, which compiles to native code."""
    layers = keras.layers
    if not hasattr(layers, "STFTSpectrogram"):
        raise DataError("the model keyword needs Keras 3: choose --strategy single")
    inputs = inputs_of(data, keras)
    (x,) = inputs.values()
    x = _log_mel(x, keras)
    x = layers.BatchNormalization(momentum=0.9)(x)
    for filters, pace in ((16, 1), (32, 2), (64, 2)):
        x = _convolved(x, filters, (pace, 1), keras)
        # Neighbouring bands: other voices have a word's formants a little apart.
        x = layers.MaxPooling2D((1, 2))(x)
        x = layers.SpatialDropout2D(0.1)(x)
    x = _convolved(x, 64, 1, keras)
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]))(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Conv1D(96, 5, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    # A word may be anywhere in time.
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, head(x, data, keras), name="keyword")


def _log_mel(samples: Any, keras: Any) -> Any:
    """(rows, frames, MELS, 1); in float32, since powers are large and small."""
    import tensorflow as tf

    layers = keras.layers
    x = layers.Reshape((samples.shape[1], 1))(samples)
    x = layers.STFTSpectrogram(
        mode="psd",
        frame_length=FRAME,
        frame_step=STEP,
        trainable=False,
        dtype="float32",
    )(x)
    bands = tf.signal.linear_to_mel_weight_matrix(
        MELS, x.shape[-1], RATE, LOWEST, HIGHEST
    )
    x = layers.Dense(
        MELS,
        use_bias=False,
        trainable=False,
        kernel_initializer=keras.initializers.Constant(bands.numpy()),
        dtype="float32",
    )(x)
    x = keras.ops.log(x + SILENCE)
    return layers.Reshape((*x.shape[1:], 1))(x)


def _convolved(x: Any, filters: int, pace: Any, keras: Any) -> Any:
    layers = keras.layers
    x = layers.Conv2D(filters, 3, pace, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _needs(data: Data) -> str | None:
    stored = [spec.stored for spec in data.features.values()]
    return None if stored == ["samples"] else "it takes samples of sound"


SPEC = ModelSpec(build, _needs)
