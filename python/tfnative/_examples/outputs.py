# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs of a signature as classifications and regressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tfnative._examples.results import Classifications
from tfnative._examples.signatures import CLASSES, SCORES
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._examples.model import ExamplesModel
    from tfnative._signature import Signature


def classifications(
    model: ExamplesModel,
    signature: Signature,
    outputs: Mapping[str, npt.NDArray[Any]],
    labels: str | Sequence[str] | None,
) -> Classifications:
    """What outputs say of classes, with labels of the caller, the model or its assets.

    Raises:
        InvalidArgumentError: Their shapes, or the number of labels, do not fit.
    """
    where = f"{model.name}, signature {signature.name!r}"
    classes = outputs.get(CLASSES)
    scores = outputs.get(SCORES)
    if classes is None and scores is None:
        (scores,) = outputs.values()
    for name, table in ((CLASSES, classes), (SCORES, scores)):
        if table is not None and table.ndim != 2:
            raise InvalidArgumentError(
                f"{where}: expected {name} (rows, classes), got {table.shape}"
            )
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise InvalidArgumentError(
            f"{where}: expected as many classes as scores, got {classes.shape} and"
            f" {scores.shape}"
        )
    count = (classes if scores is None else scores).shape[1]  # type: ignore[union-attr]
    if labels is not None:
        return Classifications(_labels(model, labels, count), scores)
    if classes is not None:
        return Classifications(_text(classes), scores)
    return Classifications(_labels_of_assets(model, count), scores)


def regressions(
    model: ExamplesModel, signature: Signature, outputs: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    """The only output, as a number for each row.

    Raises:
        InvalidArgumentError: It has more.
    """
    (found,) = outputs.values()
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise InvalidArgumentError(
            f"{model.name}, signature {signature.name!r}: expected a number for each"
            f" row, got {found.shape}"
        )
    return found


def _text(classes: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Labels as str; those that are numbers, as their digits."""
    found = np.empty(classes.shape, object)
    flat = classes.ravel().tolist()
    try:
        found.ravel()[:] = [
            label.decode() if isinstance(label, bytes) else str(label) for label in flat
        ]
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(
            f"the label of a class is no text in UTF-8: {error.object[:40]!r}"
        ) from None
    return found


def _labels(
    model: ExamplesModel, labels: str | Sequence[str], count: int
) -> npt.NDArray[np.object_]:
    """Those that the caller gave, or named a file of."""
    if isinstance(labels, str):
        path = model.assets.get(labels)
        if path is None:
            raise InvalidArgumentError(
                f"{model.name} has no asset {labels!r}: expected one of"
                f" {', '.join(model.assets) or 'none'}"
            )
        labels = _lines(path.read_text(encoding="utf-8"))
    if len(labels) != count:
        raise InvalidArgumentError(
            f"{model.name}: expected {count} labels, one for each class, got"
            f" {len(labels)}"
        )
    return np.array([str(label) for label in labels], object)


def _labels_of_assets(
    model: ExamplesModel, count: int
) -> npt.NDArray[np.object_] | None:
    """The lines of the only text file among the assets that has one for each class."""
    found = []
    for path in model.assets.values():
        try:
            lines = _lines(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
        if len(lines) == count:
            found.append(np.array(lines, object))
    return found[0] if len(found) == 1 else None


def _lines(text: str) -> list[str]:
    return text.splitlines()
