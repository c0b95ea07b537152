# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A small ResNet: three stages of two convolutions around a shortcut.

The block is that of He et al., 2015 (arXiv 1512.03385), figure 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.models.spec import ModelSpec, head, inputs_of, needs_images

if TYPE_CHECKING:
    from training.data import Data

FILTERS = (16, 32, 64)


def build(data: Data, keras: Any) -> Any:
    """Each stage but the first halves the image."""
    layers = keras.layers
    inputs = inputs_of(data, keras)
    (x,) = inputs.values()
    x = _convolved(x, FILTERS[0], 3, 1, layers)
    x = layers.ReLU()(x)
    for stage, filters in enumerate(FILTERS):
        stride = 2 if stage else 1
        shortcut = x
        if stride != 1:
            shortcut = _convolved(x, filters, 1, stride, layers)
        x = layers.ReLU()(_convolved(x, filters, 3, stride, layers))
        x = _convolved(x, filters, 3, 1, layers)
        x = layers.ReLU()(layers.Add()([x, shortcut]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, head(x, data, keras), name="resnet")


def _convolved(x: Any, filters: int, size: int, stride: int, layers: Any) -> Any:
    x = layers.Conv2D(filters, size, stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


SPEC = ModelSpec(build, needs_images)
