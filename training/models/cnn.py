# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Convolutions with batch normalisation, and a dense layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.models.spec import ModelSpec, head, inputs_of, needs_images

if TYPE_CHECKING:
    from training.data import Data


def build(data: Data, keras: Any) -> Any:
    """Halves the image as often as it stays 2 pixels wide, at most three times."""
    layers = keras.layers
    inputs = inputs_of(data, keras)
    (x,) = inputs.values()
    side = min(x.shape[1:3])
    for filters in (32, 64, 128):
        if side < 4:
            break
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D()(x)
        side //= 2
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, head(x, data, keras), name="cnn")


SPEC = ModelSpec(build, needs_images)
