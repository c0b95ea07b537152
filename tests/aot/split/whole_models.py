# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow answers to models that are compiled in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Arrays = dict[str, Any]


def runner(sources: Mapping[str, Path]) -> Callable[[str, Arrays], Arrays]:
    """A function that runs one of these models, by its name, on arrays."""
    import tensorflow as tf

    loaded = {name: tf.saved_model.load(str(path)) for name, path in sources.items()}

    def run_one(name: str, inputs: Arrays) -> Arrays:
        found = loaded[name].signatures["serving_default"](
            **{
                key: tf.constant(
                    array.tolist(),
                    tf.string if array.dtype == object else array.dtype,
                    array.shape,
                )
                for key, array in inputs.items()
            }
        )
        return {key: tensor.numpy() for key, tensor in found.items()}

    return run_one
