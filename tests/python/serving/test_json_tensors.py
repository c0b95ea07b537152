# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays go to JSON and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

import tfnative
from tfnative.serving.json_tensors import dump, from_json, load, to_json

F4 = np.dtype(np.float32)
TEXT = np.dtype(object)
TYPES = ["float32", "float64", "float16", "int8", "uint8", "int32", "int64", "uint64"]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, max_side=3)


@settings(deadline=None)
@given(hnp.arrays(hnp.np.dtype("float32"), SHAPES))
def test_floats_are_the_same_afterwards_whatever_they_are(array):
    found = from_json(load(dump(to_json(array))), F4, "x")
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("dtype", [*TYPES, "bool"])
def test_every_type_goes_both_ways(dtype):
    array = np.array([[0, 1], [2, 3]]).astype(dtype)
    if array.dtype.kind in "iu":
        info = np.iinfo(dtype)
        array[0] = info.min, info.max
    found = from_json(load(dump(to_json(array))), np.dtype(dtype), "x")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array)


def test_numbers_that_json_does_not_have_are_written_as_servers_write_them():
    array = np.array([np.nan, np.inf, -np.inf], np.float32)
    assert dump(to_json(array)) == b"[NaN,Infinity,-Infinity]"


def test_bytes_are_written_in_base64():
    array = np.array([[b"\x00\xff", "ä"]], object)
    text = dump(to_json(array))
    assert text == b'[[{"b64":"AP8="},{"b64":"w6Q="}]]'
    assert from_json(load(text), None, "x").tolist() == [[b"\x00\xff", "ä".encode()]]


def test_text_is_read_as_its_bytes():
    assert from_json([["a"], ["ä"]], TEXT, "x").tolist() == [[b"a"], ["ä".encode()]]
    assert from_json("a", None, "x").tolist() == b"a"
    assert from_json([], TEXT, "x").shape == (0,)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [([1.5], "float32"), ([1], "int64"), ([True], "bool"), ([[]], "float32")],
)
def test_without_a_type_values_have_that_of_their_kind(value, dtype):
    assert from_json(value, None, "x").dtype == dtype


@pytest.mark.parametrize(
    ("value", "dtype", "match"),
    [
        ([[1], [1, 2]], "float32", "x: .*inhomogeneous|x: lists"),
        ([1, [2]], "float32", "x: "),
        (["a"], "float32", "x: expected float32"),
        ([1.5], "int32", "x: expected int32, got float64"),
        ([300], "uint8", "x: uint8 cannot hold 300"),
        ([-1], "uint64", "x: uint64 cannot hold -1"),
        ([True], "float32", "x: expected float32, got bool"),
        ([1], "bool", "x: expected bool"),
        ([1], "object", "x: expected text"),
        ([["a"], "b"], "object", "x: lists"),
        ([{"b64": "?"}], "object", "x: expected base64"),
        ([{"b64": "AA==", "c": 1}], "object", "x: expected text"),
        (None, "float32", "x: "),
    ],
)
def test_what_does_not_fit_is_refused(value, dtype, match):
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        from_json(value, np.dtype(dtype), "x")


@pytest.mark.parametrize("text", [b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(tfnative.InvalidArgumentError, match="expected JSON"):
        load(text)


def test_complex_numbers_are_refused():
    with pytest.raises(tfnative.InvalidArgumentError, match="JSON has no complex64"):
        to_json(np.zeros(1, np.complex64))
