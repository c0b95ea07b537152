# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The weights of a checkpoint, whichever strategy wrote it, without its optimizer.

Strategies have optimizers of several kinds: Keras 3's, tf-keras' and those before it,
around which float16 has another one that scales losses. What is exported needs none of
them. Layers have other names in the checkpoints of Keras 3 and of tf-keras; those of
ps-sync have names of TensorFlow 1 instead of objects.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from training.checkpoints import check_last, check_of
from training.data import Data
from training.errors import CheckpointError, reason_of
from training.models import build_model
from training.options import FitOptions

_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""What ``tf.train.Checkpoint`` writes, and TensorFlow 1's Saver does not."""


def last_checkpoint(folder: Path) -> str:
    """Path of the last checkpoint in a folder.

    Raises:
        CheckpointError: There is no such folder, or no checkpoint in it.
    """
    import tensorflow as tf

    if not folder.is_dir():
        raise CheckpointError(f"{folder} is no folder: train with --checkpoints first")
    check_last(folder)
    found: str | None = tf.train.latest_checkpoint(str(folder))
    if found is None:
        raise CheckpointError(
            f"{folder} has no checkpoint: train with --checkpoints first"
        )
    return found


def step_of(path: str) -> int:
    """Checkpoints have the number of their step."""
    return int(path.rpartition("-")[2])


def model_of_checkpoint(path: str, options: FitOptions, data: Data) -> tuple[Any, Any]:
    """A model with the weights of a checkpoint, in float32, and the Keras that made it.

    Raises:
        CheckpointError: It is damaged, or of another model.
    """
    import tensorflow as tf

    check_of(Path(path).parent, options.model, options.data)
    try:
        found = dict(tf.train.list_variables(path))
        if _OBJECTS in found:
            old = any("/layer_with_weights-" in name for name in found)
            keras = importlib.import_module("tf_keras" if old else "keras")
            model = build_model(options.model, data, keras=keras, seed=options.seed)
            status = tf.train.Checkpoint(model=model).restore(path)
            status.assert_existing_objects_matched().expect_partial()
        else:
            from training.strategies.ps_sync import names_of_weights

            # First: tf-keras' classes are those of a graph once one is made in it.
            names = names_of_weights(options, data)
            keras = importlib.import_module("tf_keras")
            model = build_model(options.model, data, keras=keras, seed=options.seed)
            reader = tf.train.load_checkpoint(path)
            model.set_weights([reader.get_tensor(name) for name in names])
    except (
        *(tf.errors.OpError, ValueError, AssertionError),
        IndexError,  # The reader of checkpoints says so of a file that is cut off.
    ) as error:
        raise CheckpointError(
            f"{path} does not fit the model {options.model}, or is damaged "
            f"({reason_of(error)}): name the model that it is of with --model"
        ) from error
    return model, keras
