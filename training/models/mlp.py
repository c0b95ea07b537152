# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Two dense layers: for images that are small, and for tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.models.spec import ModelSpec, head, inputs_of, needs_numbers

if TYPE_CHECKING:
    from training.data import Data

UNITS = (128, 64)


def build(data: Data, keras: Any) -> Any:
    """Flattens all inputs into one vector, and normalises it as it trains."""
    layers = keras.layers
    inputs = inputs_of(data, keras)
    flat = [layers.Flatten()(each) for each in inputs.values()]
    x = flat[0] if len(flat) == 1 else layers.Concatenate()(flat)
    x = layers.BatchNormalization(momentum=0.9)(x)
    for units in UNITS:
        x = layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, head(x, data, keras), name="mlp")


SPEC = ModelSpec(build, needs_numbers)
