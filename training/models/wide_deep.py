# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Wide and deep: a linear part over buckets of values, and a network over embeddings.

The architecture is that of Cheng et al., 2016 (arXiv 1606.07792).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.models.spec import ModelSpec, head, inputs_of

if TYPE_CHECKING:
    from training.data import Data

BOUNDARIES = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
"""Of the buckets, in standard deviations."""
WIDTH = 4
MOST_COLUMNS = 1_000


def build(data: Data, keras: Any) -> Any:
    """Each column is brought to one scale, put into a bucket, and looked up."""
    layers = keras.layers
    inputs = inputs_of(data, keras)
    (x,) = inputs.values()
    columns = x.shape[-1]
    buckets = len(BOUNDARIES) + 1
    x = layers.BatchNormalization(center=False, scale=False, momentum=0.9)(x)
    bucket = layers.Discretization(list(BOUNDARIES))(x)
    # A column's buckets have numbers of their own.
    bucket = _numbered(keras, columns, buckets)(bucket)
    wide = layers.Flatten()(layers.Embedding(columns * buckets, 1)(bucket))
    deep = layers.Flatten()(layers.Embedding(columns * buckets, WIDTH)(bucket))
    deep = layers.Concatenate()([deep, x])
    for units in (64, 32):
        deep = layers.Dense(units, activation="relu")(deep)
    both = layers.Concatenate()([wide, deep])
    return keras.Model(inputs, head(both, data, keras), name="wide_deep")


def _numbered(keras: Any, columns: int, buckets: int) -> Any:
    """Adds the number of a column's first bucket to the buckets of that column."""
    import tensorflow as tf

    class Numbered(keras.layers.Layer):  # type: ignore[misc]
        """Without weights."""

        def call(self, bucket: Any) -> Any:
            """(rows, columns) of int, each in a range of its own."""
            first = tf.range(columns, dtype=tf.int32) * buckets
            return tf.cast(bucket, tf.int32) + first

    return Numbered()


def _needs(data: Data) -> str | None:
    specs = list(data.features.values())
    if len(specs) == 1 and specs[0].dtype == "float32" and len(specs[0].shape) == 1:
        return None if specs[0].shape[0] <= MOST_COLUMNS else "the table is too wide"
    return "it takes a table of numbers"


SPEC = ModelSpec(build, _needs)
