# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tables in, tables out."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative.errors import InvalidArgumentError

pa = pytest.importorskip("pyarrow", reason="needs pyarrow")


def rows(count: int) -> np.ndarray:
    return np.arange(3 * count, dtype=np.float32).reshape(count, 3)


def lists(x: np.ndarray, kind: Any = None) -> Any:
    return pa.array(x.tolist(), kind or pa.list_(pa.float32()))


def fixed(x: np.ndarray) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), 3)


def predicted(model: tfnative.Model, table: Any, **options: Any) -> Any:
    return model.predict_table(table, **{"signature": "affine", **options})


COLUMNS = {
    "fixed lists": fixed,
    "lists": lists,
    "large lists": lambda x: lists(x, pa.large_list(pa.float32())),
    "doubles": lambda x: lists(x, pa.list_(pa.float64())),
    "halves": lambda x: pa.array([*x.astype(np.float16)], pa.list_(pa.float16())),
    "integers": lambda x: lists(x.astype(int), pa.list_(pa.int64(), 3)),
    "bytes": lambda x: lists(x.astype(np.uint8), pa.list_(pa.uint8())),
    "decimals": lambda x: pa.array(
        [[decimal.Decimal(int(v)) for v in row] for row in x],
        pa.list_(pa.decimal128(9, 2)),
    ),
    "tensors": pa.FixedShapeTensorArray.from_numpy_ndarray,
    "a part of a larger column": lambda x: fixed(np.tile(x, (3, 1))).slice(
        len(x), len(x)
    ),
}


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("count", [0, 1, 7, 5000])
def test_any_column_of_such_numbers_feeds_an_input(
    model: tfnative.Model, kind: str, count: int
):
    if kind == "tensors" and not count:
        return  # Arrow makes none without rows.
    x = np.minimum(rows(count), 200 if kind == "bytes" else 2000)
    table = pa.table({"id": np.arange(count), "x": COLUMNS[kind](x)})
    found = predicted(model, table, keep=["id"])
    assert found.column_names == ["id", "y"]
    assert found["id"].to_pylist() == list(range(count))
    assert found["y"].type == pa.list_(pa.float32(), 3)
    np.testing.assert_array_equal(
        np.reshape(found["y"].to_pylist(), (count, 3)),
        model.predict({"x": x}, signature="affine")["y"],
    )


def test_columns_may_be_elements(model: tfnative.Model):
    x = rows(5)
    table = pa.table({"b_1": x[:, 1], "a": x[:, 0], "b_2": x[:, 2]})
    for columns in ({"x": ["a", "b_*"]}, {"x": ["a", "b_1", "b_2"]}):
        found = predicted(model, table, columns=columns, outputs={"y": "score"})
        np.testing.assert_array_equal(found["score"].to_pylist(), 2 * x + 1)


def test_chunks_and_batches_are_one_table(model: tfnative.Model):
    x = rows(30)
    batches = [pa.record_batch({"x": fixed(x[at : at + 7])}) for at in range(0, 30, 7)]
    found = predicted(model, pa.Table.from_batches(batches))
    np.testing.assert_array_equal(found["y"].to_pylist(), 2 * x + 1)
    batch = predicted(model, batches[0])
    assert isinstance(batch, pa.RecordBatch)
    assert batch.num_rows == 7
    assert predicted(model, batches[0].slice(0, 0)).num_rows == 0


def test_pandas(model: tfnative.Model):
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    x = rows(4)
    frame = pandas.DataFrame({"x": [*x], "name": list("abcd")}, index=[5, 6, 8, 9])
    found = predicted(model, frame, keep=["name"])
    assert isinstance(found, pandas.DataFrame)
    assert list(found.index) == [5, 6, 8, 9]
    assert list(found["name"]) == list("abcd")
    np.testing.assert_array_equal(np.stack(found["y"]), 2 * x + 1)


def test_polars(model: tfnative.Model):
    polars = pytest.importorskip("polars", reason="needs polars")
    x = rows(4)
    found = predicted(model, polars.DataFrame({"x": x.tolist()}))
    assert isinstance(found, polars.DataFrame)
    np.testing.assert_array_equal(found["y"].to_list(), 2 * x + 1)


BAD_ROWS = {
    "null": ([[1, 2, 3], None, [4, 5, 6]], "row 1: column 'x' is null"),
    "null in a list": ([[1, 2, 3], [1, None, 3]], "row 1: column 'x' has a null"),
    "short": ([[1, 2, 3], [1, 2]], "row 1: column 'x' has a list of 2 instead of 3"),
    "long": ([[1, 2, 3, 4]], "row 0: column 'x' has a list of 4 instead of 3"),
    "too large": ([[1, 2, 3], [1, 1e300, 0]], "has 1e+300, which float32"),
}


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_a_bad_row_is_named(model: tfnative.Model, kind: str):
    values, said = BAD_ROWS[kind]
    table = pa.table({"x": pa.array(values, pa.list_(pa.float64()))})
    with pytest.raises(InvalidArgumentError) as raised:
        predicted(model, table)
    assert said in str(raised.value)
    assert "input 'x': 3 float32" in str(raised.value)


BAD_TABLES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no such column": ({"z": [[1.0, 2, 3]]}, {}, "no column 'x'"),
    "a column like it": ({"xs": [[1.0]]}, {}, "did you mean 'xs'?"),
    "strings": ({"x": ["a"]}, {}, "expected a list, or 3 columns"),
    "lists of strings": ({"x": [["a"]]}, {}, "list<item: string> cannot become"),
    "dates": ({"x": [[datetime.date.today()]]}, {}, "cannot become"),
    "truths": ({"x": [[True, False, True]]}, {}, "cannot become"),
    "one number": ({"x": [1.0]}, {}, "expected a list, or 3 columns"),
    "two columns": (
        {"a": [1.0], "b": [1.0]},
        {"columns": {"x": ["a", "b"]}},
        "2 columns are to feed it",
    ),
    "lists as elements": (
        {"a": [[1.0]], "b": [1.0], "c": [1.0]},
        {"columns": {"x": ["a", "b", "c"]}},
        "has lists",
    ),
    "no such input": ({"x": [[1.0]]}, {"columns": {"z": "x"}}, "no input 'z'"),
    "no such column to keep": (
        {"x": [[1.0]]},
        {"keep": ["i"]},
        "no column 'i' to keep",
    ),
    "no such output": ({"x": [[1.0]]}, {"outputs": {"z": "z"}}, "no output 'z'"),
    "no output": ({"x": [[1.0]]}, {"outputs": {}}, "no output is asked for"),
    "a name twice": (
        {"x": [[1.0]], "y": [1]},
        {"keep": ["y"]},
        "two columns would be called 'y'",
    ),
    "no such signature": ({"x": [[1.0]]}, {"signature": "z"}, "z"),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_a_table_that_does_not_fit_is_refused(model: tfnative.Model, kind: str):
    columns, options, said = BAD_TABLES[kind]
    with pytest.raises(InvalidArgumentError) as raised:
        predicted(model, pa.table(columns), **options)
    assert said in str(raised.value)


@pytest.mark.parametrize("value", [None, 3, "x", [[1, 2, 3]], {"x": [1]}, np.ones(3)])
def test_what_is_no_table_is_refused(model: tfnative.Model, value: Any):
    with pytest.raises(InvalidArgumentError, match="expected a table"):
        predicted(model, value)
