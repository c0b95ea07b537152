# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation in replicas: each with its own rows, or all of a step together.

A replica with few rows knows the mean and the variance of few rows. Synchronized layers
add up the sums of all replicas, which costs a round of messages for each layer.
"""

from __future__ import annotations

from typing import Any

from training.begin import keras_of


def with_batch_norm(model: Any, kind: str) -> Any:
    """The model, with its batch normalisation as asked for; weights are copied.

    Args:
        model: Not compiled.
        kind: ``replica`` or ``synchronized``.
    """
    if kind == "replica":
        return model
    keras = keras_of(model)

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            config["synchronized"] = True
        return type(layer).from_config(config)

    synchronized = keras.models.clone_model(model, clone_function=clone)
    synchronized.set_weights(model.get_weights())
    return synchronized
