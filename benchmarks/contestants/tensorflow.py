# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow: calls the SavedModel's signature."""

from __future__ import annotations

from pathlib import Path

from benchmarks.arithmetic import FLOAT32
from benchmarks.contestants import Arrays, Predict, refuse_other, use_threads


def prepare(
    saved_model: Path, folder: Path, batch_sizes: list[int], precision: str = FLOAT32
) -> Path:
    """Nothing to convert."""
    del folder, batch_sizes
    refuse_other(precision)
    return saved_model


def load(model: Path, threads: int = 1) -> Predict:
    """Loads ``serving_default``."""
    use_threads(threads)
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    serve = loaded.signatures["serving_default"]

    def predict(inputs: Arrays, _owner: object = loaded) -> Arrays:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return {name: value.numpy() for name, value in serve(**tensors).items()}

    return predict
