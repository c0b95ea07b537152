# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles an exported model, and compares it with TensorFlow on held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import ExportError
from training.export.saved_model import PLURAL, beside, heldout_path


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
    """

    metric: str
    tensorflow: float
    compiled: float
    rows: int
    largest_difference: float
    bytes: int

    def summary(self) -> str:
        """Some lines for a person."""
        return (
            f"held-out {self.metric} of {self.rows} rows\n"
            f"  TensorFlow: {self.tensorflow:.4f}\n"
            f"  compiled:   {self.compiled:.4f}\n"
            f"largest difference of outputs: {self.largest_difference:.1e}\n"
            f"library: {self.bytes:,} bytes"
        )


def check(saved_model: Path, artifact: Path, **options: Any) -> Checked:
    """Compiles a SavedModel that `export` wrote, and predicts its held-out rows twice.

    Args:
        saved_model: The SavedModel, with its ``_heldout.npz`` and ``_golden.npz``.
        artifact: A new folder for the compiled model.
        **options: Of ``tfnative.compile``, as ``precision="int8"``.

    Raises:
        ExportError: There are no held-out rows beside it, or it cannot be compiled.
    """
    import tfnative

    rows = heldout_path(saved_model)
    if not rows.is_file():
        raise ExportError(
            f"{rows} is missing: export the model again with python -m training fit"
        )
    with np.load(rows) as file:
        arrays: dict[str, Any] = dict(file)
    labels = arrays.pop("labels")
    singular = {plural: name for name, plural in PLURAL.items()}
    features = {singular.get(name, name): rows for name, rows in arrays.items()}
    try:
        tfnative.compile(
            saved_model, artifact, golden=beside(saved_model, "golden"), **options
        )
        expected = tfnative.load(saved_model, backend="tensorflow").predict(features)
        model = tfnative.load(artifact)
        got = model.predict(features)
    except tfnative.Error as error:
        raise ExportError(f"{saved_model}: {error}") from error
    (name,) = expected.keys()
    metric, in_tensorflow = measure_output(name, expected[name], features, labels)
    _, compiled = measure_output(name, got[name], features, labels)
    return Checked(
        metric=metric,
        tensorflow=in_tensorflow,
        compiled=compiled,
        rows=len(labels),
        largest_difference=float(np.abs(got[name] - expected[name]).max()),
        bytes=sum(path.stat().st_size for path in artifact.glob("*.so")),
    )


def measure_output(
    name: str, predicted: NDArray[Any], features: dict[str, Any], labels: NDArray[Any]
) -> tuple[str, float]:
    """The metric that an output's name stands for, and its value."""
    if name == "reconstruction":
        (target,) = features.values()
        return "mean squared error", float(((predicted - target) ** 2).mean())
    if name == "value":
        return "mean absolute error", float(abs(predicted[:, 0] - labels).mean())
    return "accuracy", float((predicted.argmax(axis=1) == labels).mean())
