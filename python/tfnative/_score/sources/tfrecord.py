# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TFRecord files of tf.Example messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from tfnative._base.tfrecord import records_of
from tfnative._score.sources.source import Batch, Source, cut
from tfnative._tables.arrow import pyarrow

EXAMPLE = "example"
"""The one column: serialised messages."""


class TfrecordSource(Source):
    """A TFRecord file."""

    def schema(self) -> Any:
        arrow = pyarrow()
        return arrow.schema([arrow.field(EXAMPLE, arrow.large_binary())])

    def batches(self, columns: Sequence[str], rows: int, skip: int) -> Iterator[Batch]:
        del columns
        with self.place.open() as file:
            records = records_of(file, self.place.size(), str(self.place))
            yield from cut(self._batches(records, rows), rows, skip)

    def _batches(self, records: Iterator[bytes], rows: int) -> Iterator[Batch]:
        arrow = pyarrow()
        while found := list(islice(records, rows)):
            column = arrow.array(found, arrow.large_binary())
            yield Batch(arrow.RecordBatch.from_arrays([column], schema=self.schema()))
