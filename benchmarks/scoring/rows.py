# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files of rows for a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from benchmarks.models import VOCABULARY
from tfnative import Signature

GROUP = 65_536
"""Rows of a group of a file."""


def write_rows(signature: Signature, folder: Path, rows: int, files: int) -> None:
    """Writes files with a column "id", and one for each input, of lists of one size.

    Numbers are from 0 to 1 with all their bits, whole numbers are ids.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in range(files):
        first, last = file * rows // files, (file + 1) * rows // files
        random = np.random.default_rng(file)
        path = folder / f"{file:03d}.parquet"
        writer = None
        for begin in range(first, last, GROUP):
            batch = _batch(signature, random, begin, min(last, begin + GROUP))
            writer = writer or pyarrow.parquet.ParquetWriter(path, batch.schema)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()


def _batch(
    signature: Signature, random: np.random.Generator, begin: int, end: int
) -> pa.RecordBatch:
    columns = {"id": pa.array(np.arange(begin, end))}
    for name, spec in signature.inputs.items():
        elements = int(np.prod((spec.shape or ())[1:]))
        if spec.dtype.kind == "f":
            values = random.random((end - begin) * elements, spec.dtype)
        else:
            values = random.integers(0, VOCABULARY, (end - begin) * elements)
        flat = pa.array(values.astype(spec.dtype))
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, elements)
    return pa.RecordBatch.from_pydict(columns)
