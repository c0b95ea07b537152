# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs of a model as Arrow columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tfnative._tables.arrow import pyarrow
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._signature import TensorSpec


def column_type(spec: TensorSpec) -> Any:
    """The Arrow type of an output: its element type, in lists of its sizes.

    bfloat16 becomes float32, and strings are bytes, as TensorFlow's are.

    Raises:
        InvalidArgumentError: Arrow has none, or sizes are unknown.
    """
    arrow = pyarrow()
    sizes = spec.shape
    if not sizes or sizes[0] != -1 or -1 in sizes[1:]:
        raise InvalidArgumentError(
            f"output {spec.name!r} has the shape {sizes}, and cannot be a column: "
            "expected (-1, ...), a row of one size for each row. Choose other outputs"
        )
    kind = _element_type(spec)
    for size in reversed(sizes[1:]):
        kind = arrow.list_(kind, size)
    return kind


def _element_type(spec: TensorSpec) -> Any:
    arrow = pyarrow()
    if spec.dtype.kind == "O":
        return arrow.large_binary()
    if spec.dtype.name == "bfloat16":
        return arrow.float32()
    try:
        return arrow.from_numpy_dtype(spec.dtype)
    except (NotImplementedError, arrow.ArrowException):
        raise InvalidArgumentError(
            f"output {spec.name!r} is of {spec.dtype.name}, which no column can have. "
            "Choose other outputs"
        ) from None


def to_column(spec: TensorSpec, array: npt.NDArray[Any]) -> Any:
    """An output's rows as a column of ``column_type``."""
    arrow = pyarrow()
    if spec.dtype.name == "bfloat16":
        array = array.astype(np.float32)
    flat = array.reshape(-1)
    if spec.dtype.kind == "O":
        column = arrow.array(flat.tolist(), arrow.large_binary())
    else:
        column = arrow.array(flat)
    return in_lists(column, array.shape)


def in_lists(column: Any, shape: Sequence[int]) -> Any:
    """All elements of an array, one after the other, in lists of its sizes."""
    arrow = pyarrow()
    for place in range(len(shape) - 1, 0, -1):
        lists = int(np.prod(shape[:place]))
        kind = arrow.list_(column.type, shape[place])
        column = arrow.FixedSizeListArray.from_arrays(column, type=kind)
        if len(column) != lists:  # Lists without values say nothing of how many.
            column = arrow.array([[]] * lists, kind)
    return column
