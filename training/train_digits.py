# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Trains a classifier of scikit-learn's 8x8 digits and exports it as a SavedModel.

    python training/train_digits.py --output saved_models/digits

The SavedModel has the signature ``serving_default``: input ``image``, float32
(rows, 8, 8, 1) in [0, 1]; output ``probabilities``, float32 (rows, 10). Its
``assets/labels.txt`` has the name of each class. Beside it, ``OUTPUT_heldout.npz``
keeps the images and labels that training has not seen.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABELS = "zero one two three four five six seven eight nine".split()
HELD_OUT = 0.2


@dataclass(frozen=True)
class Digits:
    """Images, float32 (rows, 8, 8, 1) in [0, 1], and labels, int64 (rows,)."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains, exports, and prints the accuracy on the held-out images."""
    options = _parse(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    keras.utils.set_random_seed(options.seed)
    training, held_out = load_digits(options.seed)
    model = build_model()
    train(model, training, held_out, options)
    export(model, options.output)
    np.savez(
        heldout_path(options.output), images=held_out.images, labels=held_out.labels
    )
    predicted = model.predict(held_out.images, batch_size=256, verbose=0)
    right = predicted["probabilities"].argmax(axis=1) == held_out.labels
    print(
        f"held-out accuracy: {right.mean():.4f} ({right.sum()} of {right.size})\n"
        f"exported: {options.output}"
    )
    return 0


def heldout_path(output: Path) -> Path:
    """Where the held-out images and labels of a SavedModel are written."""
    return output.with_name(f"{output.name}_heldout.npz")


def load_digits(seed: int) -> tuple[Digits, Digits]:
    """The digits to train on, and those held out, with every class in both."""
    from sklearn.datasets import load_digits as load
    from sklearn.model_selection import train_test_split

    data = load()
    images = (data.images / 16.0).astype(np.float32)[..., np.newaxis]
    x, x_held_out, y, y_held_out = train_test_split(
        images,
        data.target.astype(np.int64),
        test_size=HELD_OUT,
        random_state=seed,
        stratify=data.target,
    )
    return Digits(x, y), Digits(x_held_out, y_held_out)


def build_model() -> Any:
    """Two convolutions with batch normalization, and a dense layer."""
    import keras
    from keras import layers

    image = keras.Input((8, 8, 1), name="image")
    x = image
    for filters in (32, 64):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(len(LABELS), activation="softmax", name="probabilities")(x)
    return keras.Model(image, {"probabilities": x}, name="digits")


def train(
    model: Any, training: Digits, held_out: Digits, options: argparse.Namespace
) -> None:
    """Fits the model; writes TensorBoard's logs to ``options.logs``."""
    import keras

    batches = _dataset(training, seed=options.seed)
    steps = options.epochs * int(batches.cardinality())
    rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    callbacks = []
    if options.logs:
        callbacks.append(keras.callbacks.TensorBoard(str(options.logs)))
    model.fit(
        batches,
        validation_data=_dataset(held_out),
        epochs=options.epochs,
        callbacks=callbacks,
        verbose=2,
    )


def _dataset(digits: Digits, seed: int | None = None) -> Any:
    """Batches of 32; shuffled, if there is a seed to do it with."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((digits.images, digits.labels))
    if seed is not None:
        data = data.shuffle(len(digits.labels), seed=seed)
    return data.batch(32).prefetch(tf.data.AUTOTUNE)


def export(model: Any, output: Path) -> None:
    """Writes the SavedModel, with the names of the classes as an asset.

    This is ``model.export`` by hand, which has no way to take an asset along.
    """
    import tensorflow as tf

    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder) / "labels.txt"
        labels.write_text("\n".join(LABELS) + "\n")
        exported = tf.Module()
        exported.weights = [weight.value for weight in model.weights]
        exported.labels = tf.saved_model.Asset(str(labels))
        exported.serve = tf.function(
            lambda image: model(image, training=False),
            input_signature=[tf.TensorSpec((None, 8, 8, 1), tf.float32, "image")],
        )
        tf.saved_model.save(
            exported, str(output), signatures={"serving_default": exported.serve}
        )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--output", type=Path, default=Path("saved_models/digits"))
    add("--logs", type=Path, help="folder for TensorBoard's logs (default: none)")
    add("--epochs", type=int, default=25)
    add("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")
    if options.logs and importlib.util.find_spec("tensorboard") is None:
        parser.error('--logs needs TensorBoard: pip install "tfnative[training]"')
    return options


if __name__ == "__main__":
    raise SystemExit(main())
