# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""CSV files (RFC 4180) with a row of names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tfnative._score.sources.source import Batch, Source, cut, damaged, select
from tfnative._tables.arrow import pyarrow
from tfnative.errors import InvalidArgumentError


class CsvSource(Source):
    """A CSV file. All columns are strings, so that nothing of them is lost."""

    is_text = True

    def schema(self) -> Any:
        with self.place.open() as file:
            return self._opened(file, []).schema

    def batches(self, columns: Sequence[str], rows: int, skip: int) -> Iterator[Batch]:
        arrow = pyarrow()
        odd: list[Any] = []
        with self.place.open() as file:
            opened = self._opened(file, odd)
            try:
                yield from cut(_with_odd(opened, odd, columns), rows, skip)
            except (arrow.ArrowException, OSError) as error:
                raise damaged(self.place, error) from None

    def _opened(self, file: Any, odd: list[Any]) -> Any:
        """The reader; rows of another number of fields go to ``odd``."""
        import pyarrow.csv as csv

        def keep(row: Any) -> str:
            odd.append(row)
            return "skip"

        try:
            names = self._names()
            text = dict.fromkeys(names, pyarrow().string())
            return csv.open_csv(
                file,
                read_options=csv.ReadOptions(use_threads=False),
                parse_options=csv.ParseOptions(
                    newlines_in_values=True, invalid_row_handler=keep
                ),
                convert_options=csv.ConvertOptions(
                    column_types=text, strings_can_be_null=False
                ),
            )
        except (pyarrow().ArrowException, OSError) as error:
            raise damaged(self.place, error) from None

    def _names(self) -> Sequence[str]:
        import csv
        import io

        with io.TextIOWrapper(self.place.open(), "utf-8-sig") as text:
            try:
                first = next(csv.reader(text), [])
            except (UnicodeDecodeError, csv.Error) as error:
                raise InvalidArgumentError(
                    f"{self.place} is no CSV file in UTF-8: {error}"
                ) from None
        twice = {name for name in first if first.count(name) > 1}
        if not first or twice:
            raise InvalidArgumentError(
                f"{self.place}: expected a first line with a name for each column, got "
                + (f"{twice.pop()!r} twice" if twice else "none")
            )
        return first


def _with_odd(opened: Any, odd: list[Any], columns: Sequence[str]) -> Iterator[Batch]:
    """Batches with an empty row in the place of each that could not be read."""
    next_line = 2  # The first has the names.
    for batch in opened:
        rows = select(batch, columns)
        places: list[int | None] = []
        unread = {}
        for place in range(rows.num_rows):
            while odd and (odd[0].number or 0) <= next_line:
                unread[len(places)] = _reason(odd.pop(0))
                places.append(None)
                next_line += 1
            places.append(place)
            next_line += 1
        if unread:
            rows = rows.take(pyarrow().array(places, pyarrow().int64()))
        yield Batch(rows, unread)
    if odd:
        nothing = pyarrow().nulls(len(odd), pyarrow().string())
        rows = pyarrow().RecordBatch.from_arrays([nothing] * len(columns), columns)
        yield Batch(rows, dict(enumerate(map(_reason, odd))))


def _reason(row: Any) -> str:
    line = f"line {row.number} " if row.number else "a line "
    return (
        f"{line}has {row.actual_columns} fields, where {row.expected_columns} are "
        "expected"
    )
