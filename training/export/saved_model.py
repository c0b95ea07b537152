# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A SavedModel with signatures, labels and what belongs to it."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.data.records import sha256_of
from training.errors import ExportError, reason_of
from training.export.signatures import METHODS, make_signatures
from training.export.warmup import write_warmup
from training.files import check_folder
from training.hidden import hidden_beside, put

if TYPE_CHECKING:
    from training.data import Data
    from training.options import FitOptions

PLURAL = {"image": "images"}
CALIBRATION_ROWS = 300
GOLDEN_ROWS = 8
BESIDE = "assets.extra/beside.json"
"""In a SavedModel: the digest of each file that was written beside it."""


def heldout_path(output: Path) -> Path:
    """Where the held-out rows of a SavedModel are written."""
    return beside(output, "heldout")


def beside(output: Path, what: str) -> Path:
    """A file beside the SavedModel: ``heldout``, ``calibration`` or ``golden``."""
    return output.with_name(f"{output.name}_{what}.npz")


def check_output(output: Path, *, overwrite: bool = False) -> None:
    """Refuses a folder with files: a version that is served is never written over.

    Raises:
        ExportError: There is something; or, with ``overwrite``, it is no SavedModel;
            or what writes the warm-up requests is not installed.
        TrainingError: The folder that it is to be in cannot be written.
    """
    if output.name in ("", ".."):
        raise ExportError(
            f"{output} has no name of its own: name a folder in it with --output"
        )
    if output.is_symlink():
        raise ExportError(
            f"{output} is a link to {os.readlink(output)}: name another folder with "
            "--output"
        )
    check_folder(output.parent, "--output")
    if importlib.util.find_spec("tensorflow_serving") is None:
        raise ExportError(
            'exporting needs tensorflow-serving-api: pip install "tfnative[training]"'
        )
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
    """Writes the SavedModel, completely or not at all, and files beside it.

    ``OUTPUT_heldout.npz`` has the held-out rows and their labels;
    ``OUTPUT_calibration.npz`` has 300 rows of training by the names of the inputs, for
    ``tfnative compile --calibration``; ``OUTPUT_golden.npz`` 8 held-out ones, for
    ``--golden``.

    Args:
        model: A trained ``keras.Model``, in float32 and on one device.
        data: What it was trained on.
        output: A folder that is not there, or empty, unless ``options.overwrite``.
        options: What the model was trained with.
        keras: The module that the model was built with.

    Raises:
        ExportError: The folder has files, or cannot be written.
    """
    import tensorflow as tf

    check_output(output, overwrite=options.overwrite)
    try:
        with hidden_beside(output) as hidden:
            new = hidden / "model"
            _write_model(model, data, new, options.model, keras)
            _write_arrays(data, hidden)
            written = sorted(hidden.glob("*.npz"))
            _note(new, written)
            put(new, output)
            for file in written:
                file.replace(beside(output, file.stem))
    except (OSError, tf.errors.OpError) as error:
        raise ExportError(
            f"{output} cannot be written ({reason_of(error)}): free some space, or "
            "choose another folder with --output"
        ) from error
    return output


def _note(saved_model: Path, files: list[Path]) -> None:
    """Whoever is killed before the last file has its name leaves those of before."""
    digests = {file.stem: sha256_of(file) for file in files}
    note = saved_model / BESIDE
    note.parent.mkdir(exist_ok=True)
    note.write_text(json.dumps({"sha256": digests}) + "\n")


def check_beside(saved_model: Path, what: str) -> None:
    """Compares a file beside a SavedModel with what was written with it.

    Args:
        saved_model: What `export` wrote.
        what: As in `beside`.

    Raises:
        ExportError: The file is another one, or the note of it is damaged.
    """
    note, path = saved_model / BESIDE, beside(saved_model, what)
    if not note.is_file():
        return
    try:
        expected = json.loads(note.read_text())["sha256"][what]
        found = sha256_of(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(
            f"{note} or {path} cannot be read ({error!r}): export the model again"
        ) from error
    if found != expected:
        raise ExportError(
            f"{path} is not the file that was written with {saved_model}: its figures "
            "would be those of other rows. Export the model again"
        )


def _write_arrays(data: Data, folder: Path) -> None:
    features, labels = data.held_out()
    arrays: dict[str, Any] = {
        PLURAL.get(name, name): rows for name, rows in features.items()
    }
    np.savez(folder / "heldout.npz", **arrays, labels=labels)
    golden: dict[str, Any] = {
        name: rows[:GOLDEN_ROWS] for name, rows in features.items()
    }
    np.savez(folder / "golden.npz", **golden)
    rows = min(CALIBRATION_ROWS, data.train_rows)
    (batch,) = data.train(rows, repeat=False).take(1)
    np.savez(
        folder / "calibration.npz",
        **{name: value.numpy() for name, value in batch[0].items()},
    )


def _write_model(
    model: Any, data: Data, folder: Path, architecture: str, keras: Any
) -> None:
    """This is ``model.export`` by hand, which has no way to take an asset along."""
    import tensorflow as tf

    exported = tf.Module()
    exported.weights = list(_variables(model))
    signatures = make_signatures(model, data, architecture, keras)
    with tempfile.TemporaryDirectory() as assets:
        texts = dict(data.index.assets)
        if data.labels:
            texts["labels.txt"] = "\n".join(data.labels) + "\n"
        exported.assets = []
        for name, text in texts.items():
            (Path(assets) / name).write_text(text)
            exported.assets.append(tf.saved_model.Asset(str(Path(assets) / name)))
        tf.saved_model.save(exported, str(folder), signatures=signatures)
    _name_methods(folder, signatures)
    write_warmup(folder, data, signatures)


def _name_methods(folder: Path, signatures: dict[str, Any]) -> None:
    """TensorFlow Serving's Classify and Regress take signatures of their kind only."""
    import tensorflow as tf

    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(
        str(folder)
    )
    for name in signatures.keys() & METHODS.keys():
        updater.replace_method_name(signature_key=name, method_name=METHODS[name])
    updater.save()


def _variables(model: Any) -> Any:
    """TensorFlow's variables: Keras 3 has them inside of its own."""
    for weight in model.weights:
        yield weight.value if hasattr(weight, "path") else weight
