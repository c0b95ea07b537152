# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrow's own files (IPC, or Feather), and its streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tfnative._score.sources.source import Batch, Source, cut, damaged, select
from tfnative._tables.arrow import pyarrow

_FILE = b"ARROW1"


class ArrowSource(Source):
    """An Arrow file or stream, of which a batch is in memory at a time."""

    def schema(self) -> Any:
        with self.place.open() as file:
            return self._opened(file).schema

    def batches(self, columns: Sequence[str], rows: int, skip: int) -> Iterator[Batch]:
        arrow = pyarrow()
        with self.place.open() as file:
            opened = self._opened(file)
            try:
                found = (Batch(select(each, columns)) for each in _batches(opened))
                yield from cut(found, rows, skip)
            except (arrow.ArrowException, OSError) as error:
                raise damaged(self.place, error) from None

    def _opened(self, file: Any) -> Any:
        import pyarrow.ipc

        is_file = file.read(len(_FILE)) == _FILE
        file.seek(0)
        opener = pyarrow.ipc.open_file if is_file else pyarrow.ipc.open_stream
        try:
            return opener(file)
        except (pyarrow.ArrowException, OSError) as error:
            raise damaged(self.place, error, "is no Arrow file: ") from None


def _batches(opened: Any) -> Iterator[Any]:
    if not hasattr(opened, "num_record_batches"):
        yield from opened
        return
    for number in range(opened.num_record_batches):
        yield opened.get_batch(number)
