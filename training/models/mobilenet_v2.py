# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A small MobileNetV2: inverted residuals with linear bottlenecks, ReLU6.

The block is that of Sandler et al., 2018 (arXiv 1801.04381), figure 4d.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.models.spec import ModelSpec, head, inputs_of, needs_images

if TYPE_CHECKING:
    from training.data import Data

BLOCKS = ((1, 16, 1), (4, 24, 2), (4, 24, 1), (4, 40, 2), (4, 40, 1))
"""Times that a block widens, its filters, and its stride."""


def build(data: Data, keras: Any) -> Any:
    """Seventeen blocks become five, which is enough for small images."""
    layers = keras.layers
    inputs = inputs_of(data, keras)
    (x,) = inputs.values()
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
    for widen, filters, stride in BLOCKS:
        x = _block(x, widen, filters, stride, layers)
    x = layers.Conv2D(128, 1, use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, head(x, data, keras), name="mobilenet_v2")


def _block(x: Any, widen: int, filters: int, stride: int, layers: Any) -> Any:
    before, channels = x, x.shape[-1]
    if widen > 1:
        x = layers.Conv2D(widen * channels, 1, use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Add()([before, x]) if stride == 1 and channels == filters else x


SPEC = ModelSpec(build, needs_images)
