# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Images that a classifier is wrong about, for TensorBoard's images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data import Data

MOST = 16
"""How many are shown: those that it is surest of."""
_ROWS = 256


def has_mistakes(data: Data) -> bool:
    """Whether rows have an image and a class, so that there is something to show."""
    shapes = [spec.shape for spec in data.features.values()]
    return bool(data.labels) and any(_is_image(shape) for shape in shapes)


def mistakes_callback(model: Any, data: Data, folder: Path, keras: Any) -> Any:
    """A Keras callback that writes the worst mistakes of each epoch.

    Args:
        model: Gives probabilities.
        data: Its held-out rows are asked; they have images, and classes.
        folder: Of the events. Each image is tagged with its class and what the model
            took it for.
        keras: The module that the model was built with.
    """
    import tensorflow as tf

    features, labels = data.held_out()
    images = next(a for a in features.values() if _is_image(a.shape[1:]))
    writer = tf.summary.create_file_writer(str(folder))

    def write(epoch: int, logs: Any = None) -> None:
        predicted = model.predict(features, batch_size=_ROWS, verbose=0)
        with writer.as_default(step=epoch):
            for place, row in enumerate(worst(predicted, labels)):
                true = data.labels[labels[row]]
                said = data.labels[int(predicted[row].argmax())]
                tf.summary.image(
                    f"mistake {place:02d}",
                    _shown(images[row])[None],
                    description=f"row {row}: {true}, taken for {said}",
                )
        writer.flush()

    return keras.callbacks.LambdaCallback(on_epoch_end=write)


def worst(predicted: NDArray[Any], labels: NDArray[Any]) -> list[int]:
    """Rows of which a wrong class is surest, by that; at most `MOST`.

    Args:
        predicted: Probabilities, (rows, classes).
        labels: The right classes, (rows,).
    """
    said = predicted.argmax(axis=1)
    wrong = np.flatnonzero(said != labels)
    sure = predicted[wrong, said[wrong]]
    return [int(row) for row in wrong[np.argsort(-sure, kind="stable")][:MOST]]


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[-1] in {1, 3}


def _shown(image: NDArray[Any]) -> NDArray[np.float32]:
    """In [0, 1], and large enough to be seen."""
    by = max(1, 64 // image.shape[0])
    larger = image.repeat(by, axis=0).repeat(by, axis=1)
    shown: NDArray[np.float32] = np.clip(larger, 0, 1).astype(np.float32)
    return shown
