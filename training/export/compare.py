# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compares what two loaded models give for the same rows, signature by signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.errors import ExportError
from training.export.examples import INPUT, as_examples
from training.export.metric import measure_output
from training.export.signatures import METHODS

if TYPE_CHECKING:
    import tfnative

LABELS = "labels.txt"
"""The asset that names classes."""


@dataclass(frozen=True)
class Compared:
    """What one signature gives in TensorFlow, and compiled.

    Attributes:
        signature: Its name; or several, of a multi-inference.
        rows: How many it was asked for.
        largest_difference: Between two numbers of the outputs.
        metric: As `measure_output` names it; None for vectors, which are not measured.
        tensorflow: The metric of what TensorFlow gave, or None.
        compiled: The metric of what compiled code gave, or None.
    """

    signature: str
    rows: int
    largest_difference: float
    metric: str | None = None
    tensorflow: float | None = None
    compiled: float | None = None

    def line(self) -> str:
        """A row of a table."""
        values = (self.tensorflow, self.compiled)
        shown = ["" if each is None else f"{each:.4f}" for each in values]
        line = (
            f"{self.signature:<18}{self.rows:>6}{self.largest_difference:>15.1e}"
            f"{shown[0]:>12}{shown[1]:>12}"
        )
        return line.rstrip()


def compare_signatures(
    reference: tfnative.Model,
    model: tfnative.Model,
    features: dict[str, NDArray[Any]],
    labels: NDArray[Any],
    signatures: Sequence[str],
) -> tuple[Compared, ...]:
    """Asks both models for all rows, by each signature.

    Args:
        reference: A SavedModel that `export` wrote, in TensorFlow.
        model: The same, compiled.
        features: By name, (rows, ...).
        labels: Classes, or numbers to predict, (rows,).
        signatures: Names of those that are asked.

    Raises:
        ExportError: A signature gives other classes, names or shapes.
        tfnative.Error: One of both cannot predict the rows.
    """
    both = (reference, model)
    examples = as_examples(features)
    found = []
    for name in signatures:
        if name in METHODS:
            given: dict[str, NDArray[Any]] = {INPUT: examples}
        else:
            given = features
        outputs = [each.predict(given, signature=name) for each in both]
        measures = [_measure(reference, each, features, labels) for each in outputs]
        found.append(
            Compared(
                name,
                len(labels),
                largest_difference(name, *outputs),
                *_both(measures),
            )
        )
    tasks = {name: name for name in METHODS if name in signatures}
    if len(tasks) > 1:
        found.append(_multi_inference(both, tasks, examples, len(labels)))
    return tuple(found)


def largest_difference(
    signature: str, expected: dict[str, NDArray[Any]], got: dict[str, NDArray[Any]]
) -> float:
    """Between two numbers of the outputs, which have to be of the same names.

    Raises:
        ExportError: Texts differ, or shapes, or one number alone is NaN.
    """
    largest = 0.0
    if expected.keys() != got.keys():
        raise ExportError(
            f"signature {signature}: compiled it gives {', '.join(got)}, and in "
            f"TensorFlow {', '.join(expected)}"
        )
    for name, array in expected.items():
        other = got[name]
        where = f"signature {signature}, output {name}"
        if array.shape != other.shape or array.dtype != other.dtype:
            raise ExportError(
                f"{where}: compiled it is {other.dtype} {other.shape}, and in "
                f"TensorFlow {array.dtype} {array.shape}"
            )
        if array.dtype == object:
            if not np.array_equal(array, other):
                row = int(np.argwhere(array != other)[0][0])
                raise ExportError(
                    f"{where}, row {row}: compiled it is {other[row]}, and in "
                    f"TensorFlow {array[row]}"
                )
        elif array.size:
            apart = np.abs(other.astype(np.float64) - array)
            if np.isnan(apart).any():
                raise ExportError(f"{where}: something is not finite")
            largest = max(largest, float(apart.max()))
    return largest


def _measure(
    model: tfnative.Model,
    outputs: dict[str, NDArray[Any]],
    features: dict[str, NDArray[Any]],
    labels: NDArray[Any],
) -> tuple[str, float] | None:
    """The metric of what a signature gave; None for vectors."""
    classes = _classes(model, labels)
    if outputs.keys() == {"classes", "scores"}:
        names = np.array(classes, object)
        best = outputs["scores"].argmax(axis=1)
        chosen = outputs["classes"][np.arange(len(best)), best]
        return "accuracy", float((chosen == names[labels]).mean())
    if outputs.keys() == {"outputs"}:
        if classes:
            # The probability of the second of two classes.
            second = outputs["outputs"][:, 0] > 0.5
            return "accuracy", float((second == labels).mean())
        return measure_output("value", outputs["outputs"], features, labels)
    (name, *others) = outputs
    if others or name not in ("probabilities", "value", "reconstruction"):
        return None
    return measure_output(name, outputs[name], features, labels)


def _classes(model: tfnative.Model, labels: NDArray[Any]) -> list[bytes]:
    """Names of the classes; none of a model that gives values.

    Raises:
        ExportError: A label is the number of none of them.
    """
    if LABELS not in model.assets:
        return []
    names = model.assets[LABELS].read_bytes().splitlines()
    if labels.dtype.kind not in "iu" or ((labels < 0) | (labels >= len(names))).any():
        raise ExportError(
            f"labels are {labels.dtype} from {labels.min()} to {labels.max()}, and "
            f"{LABELS} names {len(names)} classes, counted from 0: export the model "
            "again with python -m training fit"
        )
    return names


def _both(
    measures: list[tuple[str, float] | None],
) -> tuple[str, float, float] | tuple[()]:
    expected, got = measures
    if expected is None or got is None:
        return ()
    return expected[0], expected[1], got[1]


def _multi_inference(
    both: tuple[tfnative.Model, tfnative.Model],
    tasks: dict[str, Any],
    examples: NDArray[np.object_],
    rows: int,
) -> Compared:
    """Classification and regression of the same examples in one call."""
    found = []
    for model in both:
        results = model.multi_inference(list(examples), tasks)
        classified: Any = results["classify"]
        regressed: Any = results["regress"]
        found.append(
            {
                "classes": classified.labels,
                "scores": classified.scores,
                "outputs": regressed,
            }
        )
    name = " + ".join(tasks)
    return Compared(name, rows, largest_difference(name, *found))
