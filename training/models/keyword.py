# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Keyword spotting: a spectrogram by STFT, and convolutions over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.errors import DataError
from training.models.spec import ModelSpec, head, inputs_of

if TYPE_CHECKING:
    from training.data import Data

FRAME, STEP = 256, 128
"""Samples: 32 ms and 16 ms."""


def build(data: Data, keras: Any) -> Any:
    """The STFT is a convolution with fixed weights, which compiles to native code."""
    layers = keras.layers
    if not hasattr(layers, "STFTSpectrogram"):
        raise DataError("the model keyword needs Keras 3: choose --strategy single")
    inputs = inputs_of(data, keras)
    (x,) = inputs.values()
    x = layers.Reshape((x.shape[1], 1))(x)
    x = layers.STFTSpectrogram(
        mode="log", frame_length=FRAME, frame_step=STEP, trainable=False
    )(x)
    x = layers.Reshape((*x.shape[1:], 1))(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    for filters in (16, 32, 32):
        x = layers.Conv2D(filters, 3, 2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    # A word may be anywhere in time, but its frequencies are what tells it.
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]))(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, head(x, data, keras), name="keyword")


def _needs(data: Data) -> str | None:
    stored = [spec.stored for spec in data.features.values()]
    return None if stored == ["samples"] else "it takes samples of sound"


SPEC = ModelSpec(build, _needs)
