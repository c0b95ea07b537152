# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The last hidden layer of held-out rows, for TensorBoard's projector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.data import Data

ROWS = 1000


def projector_callback(model: Any, data: Data, folder: Path, keras: Any) -> Any:
    """A Keras callback that writes what it says when training ends.

    Args:
        model: What its last layer reads is shown.
        data: Up to `ROWS` held-out rows of it are asked; labels are their classes.
        folder: Of the checkpoint, the labels and the projector's configuration.
        keras: The module that the model was built with.
    """

    def write(logs: Any = None) -> None:
        import tensorflow as tf
        from tensorboard.plugins import projector

        features, labels = data.held_out()
        some = {name: array[:ROWS] for name, array in features.items()}
        hidden = keras.Model(model.inputs, model.layers[-1].input)
        vectors = hidden.predict(some, batch_size=256, verbose=0)
        vectors = vectors.reshape(len(vectors), -1)
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = tf.train.Checkpoint(hidden=tf.Variable(vectors))
        checkpoint.save(str(folder / "hidden.ckpt"))
        names = [data.labels[n] if data.labels else str(n) for n in labels[:ROWS]]
        (folder / "labels.tsv").write_text("\n".join(names) + "\n")
        config = projector.ProjectorConfig()
        shown = config.embeddings.add()
        shown.tensor_name = "hidden/.ATTRIBUTES/VARIABLE_VALUE"
        shown.metadata_path = "labels.tsv"
        projector.visualize_embeddings(str(folder), config)

    return keras.callbacks.LambdaCallback(on_train_end=write)
