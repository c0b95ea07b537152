# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A transformer's encoder over the letters of a line, or over the rows of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.models.spec import ModelSpec, head, inputs_of, needs_sequence

if TYPE_CHECKING:
    from training.data import Data

WIDTH, HEADS, INNER = 32, 2, 64


def build(data: Data, keras: Any) -> Any:
    """One block with the norm before each part, then the mean over the sequence."""
    layers = keras.layers
    inputs = inputs_of(data, keras)
    (x,) = inputs.values()
    (spec,) = data.features.values()
    if spec.below:
        x = layers.Embedding(spec.below, WIDTH)(x)
    else:
        rows, columns, channels = spec.shape
        x = layers.Dense(WIDTH)(layers.Reshape((rows, columns * channels))(x))
    x = _positions(keras)(x)
    normed = layers.LayerNormalization()(x)
    attended = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(normed, normed)
    x = layers.Add()([x, attended])
    inner = layers.Dense(INNER, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(WIDTH)(inner)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, head(x, data, keras), name="transformer")


def _positions(keras: Any) -> Any:
    """Adds a vector that is learned for each place of the sequence."""

    class Positions(keras.layers.Layer):  # type: ignore[misc]
        """A table of (places, width), the same for all rows."""

        def build(self, shape: Any) -> None:
            """Makes the table."""
            self.table = self.add_weight(
                name="table", shape=shape[1:], initializer="random_normal"
            )

        def call(self, x: Any) -> Any:
            """Adds it to each row."""
            return x + self.table

    return Positions()


SPEC = ModelSpec(build, needs_sequence)
