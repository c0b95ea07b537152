# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files of rows for the fake model, and what was made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from tfnative import encode_example
from tfnative._base.tfrecord import write_record


def numbers(count: int, first: int = 0) -> np.ndarray:
    """Rows of "x"; each is told by its first number."""
    return (np.arange(3 * count, dtype=np.float32) + 3 * first).reshape(count, 3)


def table(count: int, first: int = 0) -> pa.Table:
    x = numbers(count, first)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), 3)
    return pa.table({"id": np.arange(first, first + count), "x": lists})


def write_parquet(path: Path, count: int, first: int = 0) -> None:
    pa.parquet.write_table(table(count, first), path, row_group_size=37)


def write_arrow(path: Path, count: int, first: int = 0) -> None:
    rows = table(count, first)
    with pa.ipc.new_file(path, rows.schema) as file:
        file.write_table(rows, max_chunksize=23)


def write_stream(path: Path, count: int, first: int = 0) -> None:
    rows = table(count, first)
    with pa.ipc.new_stream(path, rows.schema) as file:
        file.write_table(rows, max_chunksize=23)


def write_csv(path: Path, count: int, first: int = 0) -> None:
    x = numbers(count, first)
    columns = {"id": np.arange(first, first + count)}
    columns.update({f"x_{i}": x[:, i] for i in range(3)})
    pa.csv.write_csv(pa.table(columns), path)


def write_tfrecord(path: Path, count: int, first: int = 0) -> None:
    with path.open("wb") as file:
        for row in numbers(count, first):
            write_record(file, encode_example({"x": row}))


WRITERS: dict[str, Any] = {
    "parquet": write_parquet,
    "arrow": write_arrow,
    "arrows": write_stream,
    "csv": write_csv,
    "tfrecord": write_tfrecord,
}
"""By what names of files end in."""


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("0*.parquet"))


def scored(folder: Path) -> list[list[float]]:
    """All rows of "y", in the order of the parts."""
    return [
        row
        for part in parts(folder)
        for row in pa.parquet.read_table(part)["y"].to_pylist()
    ]
