# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes rows to a file of a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, Protocol

import numpy as np

from tfnative._base.tfrecord import write_record
from tfnative._examples.encode import encode_example


class PartWriter(Protocol):
    """Writes batches to an open file."""

    def write(self, batch: Any) -> None:
        """Writes rows behind those before."""

    def close(self) -> None:
        """After the last ones."""


class ParquetPart:
    """A Parquet file; each batch of rows is a group at most."""

    def __init__(self, file: IO[bytes], schema: Any) -> None:
        import pyarrow.parquet

        self._writer = pyarrow.parquet.ParquetWriter(file, schema, compression="zstd")

    def write(self, batch: Any) -> None:
        """Writes rows."""
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Writes the end."""
        self._writer.close()


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
