# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What kind of file one is."""

from __future__ import annotations

from tfnative._score.sources.arrow_file import ArrowSource
from tfnative._score.sources.csv import CsvSource
from tfnative._score.sources.parquet import ParquetSource
from tfnative._score.sources.source import Source
from tfnative._score.sources.tfrecord import TfrecordSource
from tfnative._score.storage import Place
from tfnative.errors import InvalidArgumentError

_KINDS: dict[str, type[Source]] = {
    "parquet": ParquetSource,
    "arrow": ArrowSource,
    "csv": CsvSource,
    "tfrecord": TfrecordSource,
}
FORMATS = tuple(_KINDS)

_ENDS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".tfrecord": "tfrecord",
    ".tfrecords": "tfrecord",
}


def source_of(place: Place, kind: str | None) -> Source:
    """A file of rows, of the format that is said, or that its name says.

    Raises:
        InvalidArgumentError: Neither is one.
    """
    name = place.path.lower()
    if kind is None:
        # Shards have numbers behind it: data.tfrecord-00000-of-00008.
        for end, found in _ENDS.items():
            if name.endswith(end) or (f"{end}-" in name.rpartition("/")[2]):
                kind = found
                break
        else:
            raise InvalidArgumentError(
                f"{place}: its name does not say of which format it is: expected one "
                f"of {', '.join(_ENDS)}, or --input-format"
            )
    return _KINDS[kind](place)
