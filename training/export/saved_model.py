# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A SavedModel with signatures, labels and what belongs to it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.errors import ExportError

if TYPE_CHECKING:
    from training.data import Data
    from training.options import FitOptions

PLURAL = {"image": "images"}


def heldout_path(output: Path) -> Path:
    """Where the held-out rows of a SavedModel are written."""
    return output.with_name(f"{output.name}_heldout.npz")


def check_output(output: Path, *, overwrite: bool = False) -> None:
    """Refuses a folder with files: a version that is served is never written over.

    Raises:
        ExportError: There is something; or, with ``overwrite``, it is no SavedModel.
    """
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not overwrite:
        raise ExportError(
            f"{output} is there already: choose another folder with --output, as the "
            "next version's number, or replace it with --overwrite"
        )
    if not (output / "saved_model.pb").is_file():
        raise ExportError(
            f"{output} is there already, and is no SavedModel that --overwrite may "
            "replace: choose another folder with --output"
        )


def export(
    model: Any, data: Data, output: Path, *, options: FitOptions, keras: Any
) -> Path:
    """Writes the SavedModel, completely or not at all, and the held-out rows.

    Args:
        model: A trained ``keras.Model``.
        data: What it was trained on.
        output: A folder that is not there, or empty, unless ``options.overwrite``.
        options: What the model was trained with.
        keras: The module that the model was built with.

    Raises:
        ExportError: The folder has files, or cannot be written.
    """
    check_output(output, overwrite=options.overwrite)
    temporary: Path | None = None
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
        _write(model, data, temporary / "model", keras)
        features, labels = data.held_out()
        arrays = {PLURAL.get(name, name): rows for name, rows in features.items()}
        np.savez(temporary / "heldout.npz", **arrays, labels=labels)
        if output.is_dir():
            shutil.rmtree(output)
        (temporary / "model").rename(output)
        (temporary / "heldout.npz").replace(heldout_path(output))
    except OSError as error:
        raise ExportError(
            f"{output} cannot be written ({error.strerror or error}): free some space, "
            "or choose another folder with --output"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return output


def _write(model: Any, data: Data, folder: Path, keras: Any) -> None:
    """This is ``model.export`` by hand, which has no way to take an asset along."""
    import tensorflow as tf

    (name,) = [layer.name for layer in model.layers[-1:]]
    signature = {
        feature: tf.TensorSpec((None, *spec.shape), tf.as_dtype(spec.dtype), feature)
        for feature, spec in data.features.items()
    }

    def serve(**features: Any) -> Any:
        return {name: model(features, training=False)}

    exported = tf.Module()
    exported.weights = list(_variables(model))
    with tempfile.TemporaryDirectory() as assets:
        if data.labels:
            labels = Path(assets) / "labels.txt"
            labels.write_text("\n".join(data.labels) + "\n")
            exported.labels = tf.saved_model.Asset(str(labels))
        exported.serve = tf.function(serve, autograph=False)
        tf.saved_model.save(
            exported,
            str(folder),
            signatures={
                "serving_default": exported.serve.get_concrete_function(**signature)
            },
        )


def _variables(model: Any) -> Any:
    """TensorFlow's variables: Keras 3 has them inside of its own."""
    for weight in model.weights:
        yield weight.value if hasattr(weight, "path") else weight
