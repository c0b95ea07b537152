# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrow columns as arrays of an input.

A column whose rows are all of one size is read where it is; where a row cannot be read,
it is left out, and it is said why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tfnative._tables.arrow import pyarrow
from tfnative._tables.feeds import is_list

if TYPE_CHECKING:
    from tfnative._tables.feeds import Feed


class BadRow(NamedTuple):
    """A row that cannot be scored.

    Attributes:
        row: Its number in the batch, from 0.
        column: The column that stands in the way, or "".
        reason: What came, and what was expected.
    """

    row: int
    column: str
    reason: str


class Rows(NamedTuple):
    """Rows of an input.

    Attributes:
        array: Those that could be read, of the input's dtype and shape.
        places: Their numbers in the batch, ascending; None for all.
        bad: The others.
    """

    array: npt.NDArray[Any]
    places: npt.NDArray[np.int64] | None
    bad: Sequence[BadRow]


def read_rows(feed: Feed, batch: Any) -> Rows:
    """The rows of an input.

    Args:
        feed: With columns that the batch has, of types that fit.
        batch: Arrow's.
    """
    reader = _Reader(feed, batch.num_rows)
    return reader.read([_decoded(batch.column(name)) for name in feed.columns])


def _decoded(array: Any) -> Any:
    """An array without extension types, and without dictionaries."""
    arrow = pyarrow()
    if isinstance(array, arrow.ExtensionArray):
        array = array.storage
    if arrow.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array


class _Reader:
    def __init__(self, feed: Feed, rows: int) -> None:
        self._feed = feed
        self._rows = rows
        self._places = np.arange(rows)
        self._bad: list[BadRow] = []

    def read(self, columns: Sequence[Any]) -> Rows:
        feed = self._feed
        parts: list[npt.NDArray[Any]] | None = None
        while parts is None:
            parts = self._parts(columns)
            if parts is None:  # Without the rows that were found to be bad.
                arrow = pyarrow()
                kept = arrow.array(self._kept)
                self._places = self._places[self._kept]
                columns = [column.filter(kept) for column in columns]
        array = parts[0] if len(parts) == 1 else np.stack(parts, axis=1)
        array = array.reshape(len(self._places), *feed.sizes)
        places = None if len(self._places) == self._rows else self._places
        return Rows(array, places, sorted(self._bad))

    def _parts(self, columns: Sequence[Any]) -> list[npt.NDArray[Any]] | None:
        """The elements of each column; None if rows were found that are bad."""
        parts = []
        for name, column in zip(self._feed.columns, columns, strict=True):
            leaves = self._leaves(name, column)
            if leaves is None:
                return None
            numbers = self._numbers(name, leaves)
            if numbers is None:
                return None
            parts.append(numbers)
        return parts

    def _leaves(self, name: str, column: Any) -> Any | None:
        """All elements of all rows, one after the other."""
        sizes = self._feed.sizes if len(self._feed.columns) == 1 else ()
        array, depth, each = column, 0, 1
        if self._leave_out_nulls(name, array, "is null", each):
            return None
        while is_list(array.type):
            # The last lists have all that is left, in whatever shape the input has it.
            size = sizes[depth] if depth < len(sizes) else 1
            if not is_list(array.type.value_type):
                size = self._feed.elements // each
            lengths = np.asarray(pyarrow().compute.list_value_length(array))
            if self._leave_out(
                name,
                lengths != size,
                lambda at, n=lengths, size=size: (
                    f"has a list of {n[at]} instead of {size}"
                ),
                each,
            ):
                return None
            array = _decoded(array.flatten())
            each, depth = each * size, depth + 1
            if self._leave_out_nulls(name, array, "has a null in a list", each):
                return None
        return array

    def _numbers(self, name: str, leaves: Any) -> npt.NDArray[Any] | None:
        """Elements of the input's dtype."""
        dtype = self._feed.spec.dtype
        arrow = pyarrow()
        each = len(leaves) // max(1, len(self._places))
        if dtype.kind == "O":
            if not arrow.types.is_fixed_size_binary(leaves.type):
                leaves = leaves.cast(arrow.large_binary())
            return _objects(leaves.to_pylist())
        if arrow.types.is_decimal(leaves.type):
            leaves = leaves.cast(arrow.float64())
        if arrow.types.is_string(leaves.type):
            odd, leaves = _parsed(leaves, dtype)
            if self._leave_out(
                name,
                odd,
                lambda at, text=leaves: (
                    f"has {text[at].as_py()!r}, which is no {dtype.name}"
                ),
                each,
            ):
                return None
        found = leaves.to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore", invalid="ignore"):
            converted = found.astype(dtype, copy=False)
        wrong = _not_held(found, converted)
        if wrong is not None and self._leave_out(
            name,
            wrong,
            lambda at: f"has {found[at]}, which {dtype.name} does not hold",
            each,
        ):
            return None
        return np.asarray(converted)

    def _leave_out_nulls(self, name: str, array: Any, reason: str, each: int) -> bool:
        return bool(array.null_count) and self._leave_out(
            name, array.is_null(), reason, each
        )

    def _leave_out(self, name: str, wrong: Any, reason: Any, each: int) -> bool:
        """Notes the rows that have wrong elements; whether there are any.

        Args:
            name: The column.
            wrong: Of each element, whether it is.
            reason: What is said of one; or a function of its place.
            each: Elements of a row.
        """
        places = np.flatnonzero(np.asarray(wrong))
        if not len(places):
            return False
        rows, first = np.unique(places // each, return_index=True)
        self._kept = np.ones(len(self._places), bool)
        self._kept[rows] = False
        for row, at in zip(rows, places[first], strict=True):
            text = reason if isinstance(reason, str) else reason(at)
            self._bad.append(
                BadRow(
                    int(self._places[row]),
                    name,
                    f"column {name!r} {text} ({self._feed})",
                )
            )
        return True


def _not_held(
    found: npt.NDArray[Any], converted: npt.NDArray[Any]
) -> npt.NDArray[np.bool_] | None:
    """Which numbers are too large for what they became; None if none can be."""
    dtype = converted.dtype
    if np.can_cast(found.dtype, dtype) or dtype.kind == "b":
        return None
    if dtype.kind in "iu" and dtype.name != "bfloat16":
        ends = np.iinfo(dtype)
        return np.asarray((found < ends.min) | (found > ends.max))
    if found.dtype.kind != "f" and dtype.itemsize > 2:
        return None  # All integers are within the range of such floats.
    return np.asarray(np.isinf(converted.astype(np.float64)) & ~np.isinf(found))


def _parsed(text: Any, dtype: np.dtype[Any]) -> tuple[npt.NDArray[np.bool_], Any]:
    """Which strings are no numbers; and the numbers, or the strings if some are not."""
    arrow = pyarrow()
    kind = arrow.float64()
    if dtype.kind in "iub" and dtype.name != "bfloat16":
        kind = arrow.from_numpy_dtype(dtype)
    wrong = np.zeros(len(text), bool)
    text = arrow.compute.utf8_trim_whitespace(text)
    try:
        return wrong, text.cast(kind)
    except arrow.ArrowInvalid:
        pass
    for place, each in enumerate(text):
        try:
            each.cast(kind)
        except arrow.ArrowInvalid:
            wrong[place] = True
    return wrong, text


def _objects(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    found = np.empty(len(values), object)
    found[:] = values
    return found
