# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The right answers to samples."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative.errors import InvalidArgumentError
from tfnative_aot.load.numpy_file import read_numpy
from tfnative_aot.quantize.calibrate.data import CalibrationData

Classes = npt.NDArray[np.int64]


def read_labels(given: Any) -> Classes:
    """Labels, one after the other.

    Args:
        given: An array of whole numbers; the path of a .npy file with it, or of a .npz
            file with nothing else.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is something else.
    """
    where = ""
    if isinstance(given, str | os.PathLike):
        where = f"{os.fspath(given)}: "
        given = _read(Path(given))
    try:
        labels = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"--labels: {where}expected an array of whole numbers: {error}"
        ) from None
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise InvalidArgumentError(
            f"--labels: {where}expected a whole number for each sample, [samples], got "
            f"{labels.dtype.name} {list(labels.shape)}"
        )
    if labels.size and int(labels.max()) > np.iinfo(np.int64).max:
        raise InvalidArgumentError(f"--labels: {where}{labels.max()} is no class")
    return labels.astype(np.int64)


def _read(path: Path) -> Any:
    content = read_numpy(path, "--labels", "a .npy or .npz file")
    if isinstance(content, dict):
        if len(content) != 1:
            raise InvalidArgumentError(
                f"--labels: {path} has {len(content)} arrays, expected one: "
                f"{', '.join(sorted(content)[:5])}"
            )
        return next(iter(content.values()))
    return content


def labels_of(labels: Classes, data: CalibrationData) -> Classes:
    """The labels of the samples that are used, of labels of all that were given.

    Raises:
        InvalidArgumentError: There are more or fewer labels than samples.
    """
    fits = len(labels) >= data.seen if data.is_bounded else len(labels) == data.seen
    if not fits:
        raise InvalidArgumentError(
            f"--labels: {len(labels)} labels for {data.seen} samples of --calibration; "
            "expected one for each, in the same order"
        )
    return labels[list(data.places)]


def check_range(labels: Classes, classes: int, output: str) -> None:
    """Refuses labels for which there is no score.

    Raises:
        InvalidArgumentError: With the first of them.
    """
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise InvalidArgumentError(
            f"--labels: {labels[wrong[0]]} is none of the {classes} classes of output "
            f"{output!r}, which count from 0"
        )
