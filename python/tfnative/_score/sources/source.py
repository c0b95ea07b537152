# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a file of rows is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfnative._tables.arrow import pyarrow
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._score.storage import Place


@dataclass(frozen=True)
class Batch:
    """Some consecutive rows of a file.

    Attributes:
        rows: Arrow's record batch, with an empty row where one could not be read.
        unread: Why rows could not be read, by their number in the batch.
    """

    rows: Any
    unread: dict[int, str] = field(default_factory=dict)

    def part(self, begin: int, end: int) -> Batch:
        """The rows from one to before another one, which may be behind the last."""
        rows = self.rows.slice(begin, end - begin)
        unread = {
            row - begin: why for row, why in self.unread.items() if begin <= row < end
        }
        return Batch(rows, unread)


class Source(ABC):
    """A file of rows. Damaged ones raise InvalidArgumentError where they are read.

    Attributes:
        place: The file.
        is_text: Whether numbers are text, of which it is seen later what they become.
    """

    is_text = False

    def __init__(self, place: Place) -> None:
        self.place = place

    @abstractmethod
    def schema(self) -> Any:
        """Arrow's, of all batches."""

    def count(self) -> int | None:
        """How many rows there are, where that is known before they are read."""
        return None

    @abstractmethod
    def batches(self, columns: Sequence[str], rows: int, skip: int) -> Iterator[Batch]:
        """The rows, in order.

        Args:
            columns: What is needed.
            rows: Most of a batch.
            skip: How many are left out at the beginning.
        """


def damaged(place: Place, error: Exception, what: str = "") -> InvalidArgumentError:
    """What a reader says of a file, on one line."""
    return InvalidArgumentError(f"{place}: {what}{' '.join(str(error).split())}")


def cut(batches: Iterator[Batch], rows: int, skip: int) -> Iterator[Batch]:
    """Batches of at most so many rows, without the first ones."""
    for batch in batches:
        size = batch.rows.num_rows
        at = min(skip, size)
        skip -= at
        for begin in range(at, size, rows):
            yield batch.part(begin, begin + rows)


def select(batch: Any, columns: Sequence[str]) -> Any:
    """Some columns of a record batch."""
    arrays = [batch.column(name) for name in columns]
    fields = [batch.schema.field(name) for name in columns]
    return pyarrow().RecordBatch.from_arrays(arrays, schema=pyarrow().schema(fields))
