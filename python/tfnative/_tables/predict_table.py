# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A table in, a table of the same kind out."""

from __future__ import annotations

import sys
from typing import Any

from tfnative._tables.arrow import pyarrow
from tfnative._tables.scorer import Columned, Scorer, TableModel
from tfnative.errors import InvalidArgumentError

ROWS = 4096
"""Of a call: more do not make it faster, and take more memory."""


def predict_table(model: TableModel, table: Any, asked: Columned) -> Any:
    """As ``Model.predict_table``."""
    arrow = pyarrow()
    whole = _as_arrow(table)
    scorer = Scorer(model, whole.schema, asked)
    needed = whole.select(scorer.needs())
    scored, begin = [], 0
    for batch in needed.combine_chunks().to_batches(ROWS):
        found = scorer.score(batch)
        if found.bad:
            first = found.bad[0]
            more = f", and {len(found.bad) - 1} more" if len(found.bad) > 1 else ""
            raise InvalidArgumentError(f"row {begin + first.row}: {first.reason}{more}")
        scored.append(found.batch)
        begin += batch.num_rows
    return _like(table, arrow.Table.from_batches(scored, scorer.schema))


def _as_arrow(table: Any) -> Any:
    arrow = pyarrow()
    if isinstance(table, arrow.Table):
        return table
    if isinstance(table, arrow.RecordBatch):
        return arrow.Table.from_batches([table])
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(table, pandas.DataFrame):
        try:
            return arrow.Table.from_pandas(table, preserve_index=False)
        except (arrow.ArrowException, TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"the DataFrame cannot be a table of Arrow's: {error}"
            ) from None
    if hasattr(table, "__arrow_c_stream__"):  # As Polars' have.
        return arrow.table(table)
    raise InvalidArgumentError(
        "expected a table of pyarrow, a DataFrame of pandas or Polars, or what else "
        f"has Arrow's __arrow_c_stream__, got {type(table).__name__}"
    )


def _like(given: Any, table: Any) -> Any:
    """The table as whoever asked has tables."""
    arrow = pyarrow()
    if isinstance(given, arrow.RecordBatch):
        batches = table.combine_chunks().to_batches()
        empty = [arrow.array([], field.type) for field in table.schema]
        return (
            batches[0]
            if batches
            else arrow.RecordBatch.from_arrays(empty, schema=table.schema)
        )
    kind = type(given).__module__.partition(".")[0]
    if kind == "pandas":
        frame = table.to_pandas()
        frame.index = given.index
        return frame
    if kind == "polars":
        return sys.modules["polars"].from_arrow(table)
    return table
