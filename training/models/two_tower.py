# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A recommender of two towers: a user and an item become vectors, and are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.models.spec import ModelSpec, head, inputs_of

if TYPE_CHECKING:
    from training.data import Data

WIDTH = 16


def build(data: Data, keras: Any) -> Any:
    """A tower for each input; they meet only in the last product.

    So the vectors of all items can be computed once, and kept.
    """
    layers = keras.layers
    inputs = inputs_of(data, keras)
    towers = []
    for name, number in inputs.items():
        x = layers.Embedding(data.features[name].below, WIDTH)(number)
        inner = layers.Dense(WIDTH, activation="relu")(layers.Flatten()(x))
        towers.append(layers.Dense(WIDTH, name=f"{name}_vector")(inner))
    product = layers.Dot(axes=1, name="product")(towers)
    return keras.Model(inputs, head(product, data, keras), name="two_tower")


def _needs(data: Data) -> str | None:
    below = [spec.below for spec in data.features.values() if spec.shape == (1,)]
    if len(below) == len(data.features) == 2 and all(below):
        return None
    return "it takes the numbers of a user and of an item"


VECTORS = ("user_vector", "item_vector")
SPEC = ModelSpec(build, _needs, learning_rate=1e-2, embeddings=VECTORS)
