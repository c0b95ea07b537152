# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An autoencoder: what an image becomes when it has to pass through a few numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from training.models.spec import ModelSpec, inputs_of

if TYPE_CHECKING:
    from training.data import Data

CODE = 16


def build(data: Data, keras: Any) -> Any:
    """Dense layers in and out; the output ``reconstruction`` is like the input."""
    layers = keras.layers
    inputs = inputs_of(data, keras)
    (image,) = inputs.values()
    shape = tuple(image.shape[1:])
    x = layers.Flatten()(image)
    x = layers.Dense(128, activation="relu")(x)
    code = layers.Dense(CODE, name="code")(x)
    x = layers.Dense(128, activation="relu")(code)
    x = layers.Dense(math.prod(shape), activation="sigmoid", dtype="float32")(x)
    x = layers.Reshape(shape, name="reconstruction", dtype="float32")(x)
    return keras.Model(inputs, x, name="autoencoder")


def _needs(data: Data) -> str | None:
    shapes = [spec.shape for spec in data.features.values()]
    return None if [len(shape) for shape in shapes] == [3] else "it takes images"


SPEC = ModelSpec(build, _needs, target="input", embeddings=("code",))
