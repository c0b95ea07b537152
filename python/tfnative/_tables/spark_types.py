# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrow's types that a model's outputs have, as Spark has them."""

from __future__ import annotations

from typing import Any

from tfnative._tables.arrow import pyarrow


def spark_type(kind: Any) -> Any:
    """Spark's type of an Arrow type that ``column_type`` gives."""
    from pyspark.sql.pandas.types import from_arrow_type

    return from_arrow_type(_as_spark_has(kind))


def as_spark_array(column: Any) -> Any:
    """The column of a type that Spark has; no value changes."""
    return column.cast(_as_spark_has(column.type))


def _as_spark_has(kind: Any) -> Any:
    """Arrays have no size, and integers a sign, so that unsigned ones get wider."""
    arrow = pyarrow()
    if arrow.types.is_fixed_size_list(kind):
        return arrow.list_(_as_spark_has(kind.value_type))
    wider = {
        arrow.float16(): arrow.float32(),
        arrow.uint8(): arrow.int16(),
        arrow.uint16(): arrow.int32(),
        arrow.uint32(): arrow.int64(),
        arrow.uint64(): arrow.decimal128(20, 0),
        arrow.large_binary(): arrow.binary(),
    }
    return wider.get(kind, kind)
