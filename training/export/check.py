# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles an exported model, and compares it with TensorFlow on held-out rows."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tfnative
from training.errors import ExportError
from training.export.compare import Compared, compare_signatures
from training.export.examples import with_examples
from training.export.saved_model import PLURAL, beside, check_beside, heldout_path

DEFAULT = "serving_default"
_AGAIN = "export the model again with python -m training fit"


@dataclass(frozen=True)
class Checked:
    """A model in TensorFlow, and compiled, on the same rows.

    Attributes:
        metric: ``accuracy``, ``mean absolute error`` or ``mean squared error``.
        tensorflow: The metric of the SavedModel.
        compiled: The metric of the compiled model.
        rows: How many rows were predicted.
        largest_difference: Between two elements of the outputs.
        bytes: Of the compiled library.
        signatures: The same for each signature, and for all at once that take the same
            examples; the figures above are those of ``serving_default``.
    """

    metric: str
    tensorflow: float
    compiled: float
    rows: int
    largest_difference: float
    bytes: int
    signatures: tuple[Compared, ...]

    def summary(self) -> str:
        """Some lines for a person."""
        titles = ("signature", "rows", "largest error", "TensorFlow", "compiled")
        lines = ["{:<18}{:>6}{:>15}{:>12}{:>12}".format(*titles)]
        lines += [each.line() for each in self.signatures]
        return "\n".join(
            (
                f"held-out {self.metric} of {self.rows} rows",
                f"  TensorFlow: {self.tensorflow:.4f}",
                f"  compiled:   {self.compiled:.4f}",
                f"largest difference of outputs: {self.largest_difference:.1e}",
                f"library: {self.bytes:,} bytes",
                "",
                *lines,
            )
        )


def check(
    saved_model: Path,
    artifact: Path,
    *,
    signatures: Sequence[str] | None = None,
    **options: Any,
) -> Checked:
    """Compiles a SavedModel that `export` wrote, and asks both for its held-out rows.

    Each signature is given features by name, or serialized tf.Examples.

    Args:
        saved_model: The SavedModel, with its ``_heldout.npz`` and ``_golden.npz``.
        artifact: A new folder for the compiled model.
        signatures: What to compile and to compare, ``serving_default`` among them; all
            if None.
        **options: Of ``tfnative.compile``, as ``precision="int8"``. A ``calibration``
            has an array for each feature.

    Raises:
        ExportError: There are no held-out rows beside it, or it cannot be compiled; or
            compiled it gives other classes, or other shapes.
    """
    features, labels = _held_out(saved_model)
    if signatures is not None and DEFAULT not in signatures:
        raise ExportError(f"the figures are those of {DEFAULT}: name it, too")
    for what in ("heldout", "golden"):
        check_beside(saved_model, what)
    if "calibration" in options:
        options["calibration"] = with_examples(_arrays(options["calibration"]))
    try:
        with tfnative.load(saved_model, backend="tensorflow") as reference:
            names = list(signatures or reference.signatures)
            tfnative.compile(
                saved_model,
                artifact,
                signatures=names,
                golden=_golden(saved_model),
                **options,
            )
            with tfnative.load(artifact) as model:
                found = compare_signatures(reference, model, features, labels, names)
    except tfnative.Error as error:
        raise ExportError(f"{saved_model}: {error}") from error
    (main,) = (each for each in found if each.signature == DEFAULT)
    assert main.metric is not None
    assert main.tensorflow is not None
    assert main.compiled is not None
    return Checked(
        metric=main.metric,
        tensorflow=main.tensorflow,
        compiled=main.compiled,
        rows=main.rows,
        largest_difference=main.largest_difference,
        bytes=sum(path.stat().st_size for path in artifact.glob("*.so")),
        signatures=found,
    )


def _golden(saved_model: Path) -> dict[str, NDArray[Any]] | None:
    """Rows to compile with, for signatures of features and of tf.Examples.

    None where features are integers: a tf.Example has them as int64, so that what is
    compiled behind it reads other types by the same names.
    """
    features = _arrays(beside(saved_model, "golden"))
    if any(rows.dtype.kind != "f" for rows in features.values()):
        return None
    return with_examples(features)


def _held_out(saved_model: Path) -> tuple[dict[str, NDArray[Any]], NDArray[Any]]:
    path = heldout_path(saved_model)
    arrays = _arrays(path)
    rows = {name: array.shape[:1] for name, array in arrays.items()}
    if "labels" not in arrays or len(arrays) < 2:
        raise ExportError(
            f"{path} has {', '.join(arrays) or 'nothing'}, not features and labels: "
            f"{_AGAIN}"
        )
    if len(set(rows.values())) > 1 or rows["labels"] in ((), (0,)):
        shown = ", ".join(f"{shape} of {name}" for name, shape in rows.items())
        raise ExportError(
            f"{path} has {shown}, not as many rows of each, and one at least: {_AGAIN}"
        )
    labels = arrays.pop("labels")
    if labels.ndim > 1 or labels.dtype.kind not in "iuf":
        raise ExportError(
            f"{path} has labels of {labels.dtype} {labels.shape}, not a number for "
            f"each row: {_AGAIN}"
        )
    singular = {plural: name for name, plural in PLURAL.items()}
    return {singular.get(name, name): rows for name, rows in arrays.items()}, labels


def _arrays(path: Path | str) -> dict[str, NDArray[Any]]:
    if not Path(path).is_file():
        raise ExportError(f"{path} is missing: {_AGAIN}")
    try:
        with Path(path).open("rb") as opened, np.load(opened) as file:
            return dict(file)
    except (*(ValueError, OSError, EOFError, TypeError), zipfile.BadZipFile) as error:
        raise ExportError(f"{path} is damaged ({error}): {_AGAIN}") from error
