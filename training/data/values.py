# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Refuses rows that would be written as something else, or that nothing is learned of.

A label of 2.7 would become the class 2, a picture of floats four times as many rows,
and one NaN in a table makes every weight NaN. So all rows are looked at before the
first is written, whoever writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.spec import Arrays, FeatureSpec, Source
from training.errors import DataError

_LABELS_FILE = "labels.txt"
"""The asset that names classes, a line each; see `training.export`."""
_MOST = float(np.finfo(np.float32).max)
_SHOWN = 5
_BYTES = {"pixels": "u1", "samples": "i2"}


def check_source(name: str, source: Source) -> None:
    """Looks at each value of both parts.

    Args:
        name: Of the data set, for messages.
        source: What is to be written.

    Raises:
        DataError: A part has no rows; features or labels are not as many, or not of
            the type, the shape and the range that are said of them; something is not
            finite, or too large for float32; a class has no row to train on.
    """
    parts = {"to train on": source.train, "held out": source.held_out}
    for part, rows in parts.items():
        if not rows.rows:
            raise DataError(f"the data {name!r} has no rows {part}: give it some")
    _check_names(name, source)
    for part, rows in parts.items():
        where = f"the data {name!r}, rows {part}"
        _check_features(where, source, rows)
        _check_labels(where, source, np.asarray(rows.labels))
    if source.task == "classify":
        labels = np.asarray(source.train.labels).astype(np.int64)
        counts = np.bincount(labels, minlength=len(source.labels))
        never = [source.labels[each] for each in np.flatnonzero(counts == 0)]
        if never:
            raise DataError(
                f"the data {name!r} has no rows to train on of {_some(never)}: nothing "
                "learns a class that it never sees; give it some, or leave the class "
                "out of the labels"
            )
    else:
        _check_spread(f"the data {name!r}", "labels", source.train.labels)


def _check_names(name: str, source: Source) -> None:
    if source.task not in ("classify", "regress"):
        raise DataError(
            f"the data {name!r} is to {source.task!r}: give it the task classify or "
            "regress"
        )
    if (source.task == "classify") != (len(source.labels) > 1):
        wanted = "two classes at least" if source.task == "classify" else "no classes"
        raise DataError(
            f"the data {name!r} is to {source.task} and names {len(source.labels)} "
            f"classes: name {wanted}"
        )
    wrong = [each for each in source.labels if not each or each.splitlines() != [each]]
    if wrong or len(set(source.labels)) < len(source.labels):
        raise DataError(
            f"the data {name!r} names the classes {_some(source.labels)}: give each a "
            "name of its own, in one line"
        )
    for file in source.assets:
        if file == _LABELS_FILE or PurePath(file).name != file:
            raise DataError(
                f"the data {name!r} has the asset {file!r}: give it the name of a file "
                f"without a folder, other than {_LABELS_FILE}"
            )


def _check_features(where: str, source: Source, rows: Arrays) -> None:
    if rows.features.keys() != source.features.keys():
        raise DataError(
            f"{where}: there are {_some(list(rows.features))}, not the features "
            f"{_some(list(source.features))}"
        )
    for feature, spec in source.features.items():
        values = np.asarray(rows.features[feature])
        where_it_is = f"{where}, feature {feature!r}"
        count = len(values) if values.ndim else 0
        if count != rows.rows:
            raise DataError(
                f"{where_it_is}: {count} rows, but {rows.rows} labels: give each "
                "row a label"
            )
        _check_feature(where_it_is, spec, values)
        if spec.stored == "floats" and rows is source.train:
            _check_spread(where_it_is, "values", values)


def _check_feature(where: str, spec: FeatureSpec, values: NDArray[Any]) -> None:
    if spec.stored == "text":
        if not all(isinstance(line, bytes) for line in values):
            raise DataError(f"{where}: lines are bytes, and not all of them are")
        largest = np.array([max(line, default=0) for line in values])
        wrong = (largest >= spec.below) & (spec.below > 0)
        _refuse(where, values, wrong, f"have bytes that are not below {spec.below}")
        return
    if values.shape[1:] != spec.shape:
        raise DataError(
            f"{where}: a row has the shape {values.shape[1:]}, not {spec.shape}"
        )
    if spec.stored == "floats":
        _check_finite(where, values)
        return
    if spec.stored in _BYTES:
        wanted = np.dtype(_BYTES[spec.stored])
        if values.dtype != wanted:
            raise DataError(
                f"{where}: {spec.stored} are {wanted.name}, not {values.dtype}: bring "
                "them to its range first"
            )
        return
    below = spec.below or 2**31
    _check_integers(where, values, -(2**31) if not spec.below else 0, below)


def _check_labels(where: str, source: Source, labels: NDArray[Any]) -> None:
    if labels.ndim != 1:
        raise DataError(
            f"{where}: labels have the shape {labels.shape}, not one for each row"
        )
    if source.task == "classify":
        _check_integers(f"{where}, labels", labels, 0, len(source.labels))
    else:
        _check_finite(f"{where}, labels", labels)


def _check_integers(where: str, values: NDArray[Any], least: int, below: int) -> None:
    if values.dtype.kind not in "iu":
        raise DataError(f"{where}: integers are expected, not {values.dtype}")
    wrong = (values < least) | (values >= below)
    _refuse(where, values, wrong, f"are not from {least} to {below - 1}")


def _check_finite(where: str, values: NDArray[Any]) -> None:
    if values.dtype.kind not in "fiu":
        raise DataError(f"{where}: numbers are expected, not {values.dtype}")
    numbers = values.astype(np.float64)
    # Not "greater than": of NaN, that is not so.
    _refuse(where, values, ~(np.abs(numbers) <= _MOST), "are no numbers of float32")


def _refuse(where: str, values: NDArray[Any], wrong: NDArray[Any], why: str) -> None:
    count = np.count_nonzero(wrong)
    if not count:
        return
    first = np.argwhere(wrong)[0]
    rows = np.count_nonzero(wrong.reshape(len(wrong), -1).any(axis=1))
    raise DataError(
        f"{where}: {count} values of {rows} rows {why}; the first is "
        f"{values[tuple(first)]} in row {first[0]}: mend these rows, or leave them out"
    )


def _check_spread(where: str, what: str, values: NDArray[Any]) -> None:
    """Networks bring values to one scale, by their variance, in float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        variance = np.asarray(values, np.float32).astype(np.float64).var(axis=0).max()
    if not variance <= _MOST:
        raise DataError(
            f"{where}: the {what} have a variance of {variance:.3g}, which float32 has "
            "no room for: bring them to another scale"
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
