# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tfnative._score.sources.source import Batch, Source, cut, damaged
from tfnative._tables.arrow import pyarrow


class ParquetSource(Source):
    """A Parquet file, of which a group of rows is in memory at a time."""

    def schema(self) -> Any:
        with self.place.open() as file:
            return self._opened(file).schema_arrow

    def count(self) -> int:
        with self.place.open() as file:
            return int(self._opened(file).metadata.num_rows)

    def batches(self, columns: Sequence[str], rows: int, skip: int) -> Iterator[Batch]:
        arrow = pyarrow()
        with self.place.open() as file:
            opened = self._opened(file)
            for group in range(opened.num_row_groups):
                size = opened.metadata.row_group(group).num_rows
                if size <= skip:
                    skip -= size
                    continue
                # One by one: of several, Arrow keeps what it has read of those before.
                try:
                    found = opened.iter_batches(rows, [group], list(columns))
                    yield from cut((Batch(batch) for batch in found), rows, skip)
                except (arrow.ArrowException, OSError) as error:
                    raise damaged(self.place, error) from None
                skip = 0

    def _opened(self, file: Any) -> Any:
        import pyarrow.parquet

        try:
            return pyarrow.parquet.ParquetFile(file)
        except (pyarrow.ArrowException, OSError) as error:
            raise damaged(self.place, error, "is no Parquet file: ") from None
