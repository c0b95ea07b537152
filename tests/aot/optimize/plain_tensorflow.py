# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow itself makes of a model, without anything of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def run_with_tensorflow(
    path: Path, signature: str, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """The outputs of a SavedModel's signature."""
    import tensorflow as tf

    model = tf.saved_model.load(str(path))
    function = model.signatures[signature]
    specs = function.structured_input_signature[1]
    dtypes = {name: spec.dtype for name, spec in specs.items()}
    tensors = {
        name: tf.constant(array, dtypes.get(name)) for name, array in inputs.items()
    }
    return {name: value.numpy() for name, value in function(**tensors).items()}
