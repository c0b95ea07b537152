# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An LSTM over the letters of a line, or over the rows of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.models.spec import ModelSpec, head, inputs_of, needs_sequence

if TYPE_CHECKING:
    from training.data import Data

UNITS = 64


def build(data: Data, keras: Any) -> Any:
    """Letters are looked up; an image is read from its top to its bottom."""
    layers = keras.layers
    inputs = inputs_of(data, keras)
    (x,) = inputs.values()
    (spec,) = data.features.values()
    if spec.below:
        x = layers.Embedding(spec.below, 32)(x)
    else:
        rows, columns, channels = spec.shape
        x = layers.Reshape((rows, columns * channels))(x)
    x = layers.LSTM(UNITS)(x)
    return keras.Model(inputs, head(x, data, keras), name="lstm")


SPEC = ModelSpec(build, needs_sequence, learning_rate=5e-3)
