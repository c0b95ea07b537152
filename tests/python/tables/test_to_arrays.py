# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Any lists of any numbers become the array that they are, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tfnative import TensorSpec
from tfnative._tables.feeds import Feed, can_become
from tfnative._tables.to_arrays import read_rows

pa = pytest.importorskip("pyarrow", reason="needs pyarrow")

DTYPES = ["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "uint64"]
NUMBERS = st.one_of(st.none(), st.integers(-300, 300), st.integers(-(2**63), 2**63 - 1))


def nested(sizes: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Lists of these sizes, with a wrong one now and then."""
    if not sizes:
        return NUMBERS
    size = st.sampled_from([sizes[0]] * 8 + [sizes[0] + 1, max(0, sizes[0] - 1)])
    lists = size.flatmap(lambda n: st.lists(nested(sizes[1:]), min_size=n, max_size=n))
    return st.one_of(lists, lists, lists, st.none())


def shaped(value: Any, sizes: tuple[int, ...]) -> bool:
    """Whether it has these sizes, and no null."""
    if not sizes:
        return value is not None
    fits = value is not None and len(value) == sizes[0]
    return fits and all(shaped(each, sizes[1:]) for each in value)


@given(data=st.data())
def test_rows_are_read_or_named(data: st.DataObject):
    sizes = tuple(data.draw(st.lists(st.integers(1, 3), max_size=3)))
    dtype = np.dtype(data.draw(st.sampled_from(DTYPES)))
    values = data.draw(st.lists(nested(sizes), max_size=6))
    kind = pa.int64()
    for _ in sizes:
        kind = pa.list_(kind)
    begin = data.draw(st.integers(0, len(values)))
    column = pa.array(values, kind).slice(begin)
    values = values[begin:]
    feed = Feed(TensorSpec("x", dtype, (-1, *sizes)), ("c",))
    found = read_rows(feed, pa.record_batch({"c": column}))

    def holds(value: Any) -> bool:
        if not shaped(value, sizes):
            return False
        whole = np.array(value, np.int64)
        if dtype.kind in "iu":
            ends = np.iinfo(dtype)
            return bool(np.all((whole >= ends.min) & (whole <= int(ends.max))))
        with np.errstate(over="ignore"):
            return bool(np.all(np.isfinite(whole.astype(dtype))))

    good = [row for row, value in enumerate(values) if holds(value)]
    assert [each.row for each in found.bad] == sorted({*range(len(values))} - {*good})
    assert found.array.shape == (len(good), *sizes)
    assert found.array.dtype == dtype
    places = range(len(values)) if found.places is None else found.places
    assert list(places) == good
    for row, array in zip(good, found.array, strict=True):
        wanted = np.array(values[row], np.int64).astype(dtype)
        np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("value", ["é", b"\xff\0", ""])
def test_strings_are_bytes(value: str | bytes):
    feed = Feed(TensorSpec("x", np.dtype(object), (-1,)), ("c",))
    wanted = value.encode() if isinstance(value, str) else value
    for array in (pa.array([value]), pa.array([value]).dictionary_encode()):
        found = read_rows(feed, pa.record_batch({"c": array}))
        assert found.array.tolist() == [wanted]


def test_no_number_is_rounded_to_an_integer_and_none_is_a_string():
    for leaf, dtype in (
        (pa.float32(), "int32"),
        (pa.float64(), "uint8"),
        (pa.string(), "float32"),
        (pa.bool_(), "float32"),
        (pa.int32(), "bool"),
        (pa.int32(), "object"),
        (pa.timestamp("s"), "int64"),
        (pa.float32(), "complex64"),
        (pa.null(), "float32"),
    ):
        assert not can_become(leaf, np.dtype(dtype)), (leaf, dtype)
