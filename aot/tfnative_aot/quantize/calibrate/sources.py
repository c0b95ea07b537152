# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where samples come from: arrays, files of them, messages, or whatever can be read."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._base.tfrecord import read_records
from tfnative._compile.options import Calibration
from tfnative.errors import InvalidArgumentError, NotFoundError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.numpy_file import read_arrays
from tfnative_aot.quantize.calibrate.fitting import Block, fitting_block


def blocks_of(
    given: Calibration,
    inputs: Sequence[GraphTensor],
    others: Collection[str],
    messages: str = "",
) -> Iterator[Block]:
    """What was given, piece by piece; each is checked as it comes.

    The messages of a TFRecord file are rows of the input ``messages``, or if that is
    "", each has a feature for each input.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It does not fit, or a file is damaged.
    """
    if isinstance(given, Mapping):
        yield fitting_block(given, inputs, "", others)
    elif not isinstance(given, str | os.PathLike):
        yield from _of_iterable(given, inputs, others)
    elif Path(given).suffix.lower() == ".npz":
        yield fitting_block(
            read_arrays(Path(given), "--calibration"), inputs, "", others
        )
    else:
        yield from _of_records(Path(given), inputs, messages)


def is_at_hand(given: Calibration) -> bool:
    """Whether all of it is there at once, so that looking at all costs little."""
    if isinstance(given, str | os.PathLike):
        return Path(given).suffix.lower() == ".npz"
    return isinstance(given, Mapping)


def _of_iterable(
    given: Iterable[Mapping[str, Any]],
    inputs: Sequence[GraphTensor],
    others: Collection[str],
) -> Iterator[Block]:
    for number, each in enumerate(given):
        if not isinstance(each, Mapping):
            raise InvalidArgumentError(
                f"--calibration: mapping {number}: expected a dict of arrays by input, "
                f"got {type(each).__name__}"
            )
        yield fitting_block(each, inputs, f"mapping {number}, ", others)


def _of_records(
    path: Path, inputs: Sequence[GraphTensor], messages: str
) -> Iterator[Block]:
    # Whoever has arrays need not load what has messages.
    from tfnative_aot.quantize.calibrate.messages import parse_sample

    if path.is_dir():
        raise InvalidArgumentError(
            f"--calibration: {path} is a folder: expected a .npz or a TFRecord file"
        )
    if not path.is_file():
        raise NotFoundError(f"--calibration: no file {path}")
    try:
        for number, record in enumerate(_records(path)):
            where = f"record {number}, "
            given = (
                {messages: _one(record)}
                if messages
                else parse_sample(record, inputs, where)
            )
            yield fitting_block(given, inputs, where)
    except OSError as error:
        raise InvalidArgumentError(
            f"--calibration: {path} cannot be read: {error}"
        ) from error


def _records(path: Path) -> Iterator[bytes]:
    try:
        yield from read_records(path)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(
            "--calibration has to be a .npz file by its name, or a TFRecord file: "
            f"{error}"
        ) from None


def _one(record: bytes) -> npt.NDArray[np.object_]:
    array = np.empty(1, object)
    array[0] = record
    return array
