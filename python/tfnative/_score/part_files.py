# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes rows to a file of a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Protocol

import numpy as np

from tfnative._base.tfrecord import write_record
from tfnative._examples.encode import encode_example
from tfnative._tables.arrow import pyarrow

_GROUP_ROWS = 128 << 10
_GROUP_BYTES = 32 << 20
"""Of a group of rows of a Parquet file: readers skip groups, and read them at once."""


class PartWriter(Protocol):
    """Writes batches to an open file."""

    def write(self, batch: Any) -> None:
        """Writes rows behind those before."""

    def close(self) -> None:
        """After the last ones."""


class ParquetPart:
    """A Parquet file, whose groups of rows are of some megabytes.

    Numbers have no dictionary: it is made of all of a group's numbers first, which
    takes longer than all else, and is thrown away where most of them differ.
    """

    def __init__(self, file: IO[bytes], schema: Any) -> None:
        import pyarrow.parquet

        self._schema = schema
        self._waiting: list[Any] = []
        self._rows = self._bytes = 0
        names = [field.name for field in schema if _is_text(field.type)]
        self._writer = pyarrow.parquet.ParquetWriter(
            file, schema, compression="zstd", use_dictionary=names or False
        )

    def write(self, batch: Any) -> None:
        """Writes rows, or keeps them until there are enough for a group."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Writes what is left, and the end."""
        if self._waiting:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        group = pyarrow().Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(group, row_group_size=max(1, self._rows))
        self._waiting, self._rows, self._bytes = [], 0, 0


def _is_text(kind: Any) -> bool:
    types = pyarrow().types
    return any(
        check(kind)
        for check in (
            types.is_string,
            types.is_large_string,
            types.is_binary,
            types.is_large_binary,
            types.is_dictionary,
        )
    )


class TfrecordPart:
    """A TFRecord file of tf.Examples, with a feature for each column."""

    def __init__(self, file: IO[bytes], schema: Any) -> None:
        del schema
        self._file = file

    def write(self, batch: Any) -> None:
        """Writes rows."""
        for row in batch.to_pylist():
            features = {name: _feature(value) for name, value in row.items()}
            write_record(self._file, encode_example(features))

    def close(self) -> None:
        """There is no end to write."""


def _feature(value: Any) -> Any:
    return np.asarray(value).reshape(-1) if isinstance(value, list) else value


WRITERS: Mapping[str, type[ParquetPart] | type[TfrecordPart]] = {
    "parquet": ParquetPart,
    "tfrecord": TfrecordPart,
}
"""By what parts can be, which is also the end of their names."""
