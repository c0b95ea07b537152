# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batches that are arrays by column, as tables of Arrow's and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._tables.arrow import pyarrow
from tfnative._tables.to_columns import in_lists
from tfnative.errors import InvalidArgumentError


def as_table(batch: Mapping[str, Any]) -> Any:
    """A table with a column for each array; numbers are not copied.

    Args:
        batch: Arrays whose first dimension is the rows, of numbers or of objects.

    Raises:
        InvalidArgumentError: One is of another kind, or has other rows.
    """
    arrow = pyarrow()
    columns = {}
    for name, values in batch.items():
        try:
            columns[name] = _column(np.asarray(values))
        except (arrow.ArrowException, TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"column {name!r} cannot be one of Arrow's: "
                f"{' '.join(str(error).split())}"
            ) from None
    try:
        return arrow.table(columns)
    except (arrow.ArrowException, ValueError) as error:
        raise InvalidArgumentError(f"columns have different rows: {error}") from None


def _column(array: npt.NDArray[Any]) -> Any:
    arrow = pyarrow()
    if array.dtype.kind == "O":
        return arrow.array([_plain(each) for each in array])
    if array.dtype.kind == "S":
        return arrow.array(array.tolist(), arrow.large_binary())
    flat = arrow.array(np.ascontiguousarray(array).reshape(-1))
    return in_lists(flat, array.shape)


def _plain(value: Any) -> Any:
    """Arrays in an array become lists, of any depth."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def as_arrays(table: Any) -> dict[str, npt.NDArray[Any]]:
    """An array for each column; those of lists of one size have more dimensions."""
    return {name: _array(table.column(name)) for name in table.column_names}


def _array(column: Any) -> npt.NDArray[Any]:
    arrow = pyarrow()
    column = column.combine_chunks()
    shape = [len(column)]
    while arrow.types.is_fixed_size_list(column.type):
        shape.append(column.type.list_size)
        column = column.flatten()
    found: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return found.reshape(shape)
