# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Any JSON is read as Python's own reader reads it, or an error says why not."""

from __future__ import annotations

import json
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import tfnative

for package in ("starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tfnative._core import read_json, write_json, write_json_rows  # noqa: E402
from tfnative._signature import Signature, TensorSpec  # noqa: E402
from tfnative.serving import json_tensors  # noqa: E402
from tfnative.serving.server import rest_columns  # noqa: E402
from tfnative.serving.server.input_rules import InputRules  # noqa: E402

TEXTS = st.text(st.characters(codec="utf-8"), max_size=3)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-300, 300)
    | st.integers()
    | st.floats()
    | TEXTS
    | st.just({"b64": "AP8="})
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2)
    ),
    max_leaves=9,
)
LISTS = st.sampled_from(["?", "i1", "u1", "i8", "u8", "f4", "f8"]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_side=3))
)
DTYPES = ["float32", "float64", "int8", "int32", "int64", "uint64", "bool", "object"]


def as_python(value):
    """What was read, as Python's reader has it; and None where it was not kept."""
    if isinstance(value, str):
        return None
    if isinstance(value, tuple):
        shape, members = value
        if not shape:
            return {name: as_python(member) for name, member in members.items()}
        rows = {name: as_python(member) for name, member in members.items()}
        if len(shape) > 1 or any(member is None for member in rows.values()):
            return None
        return [{n: rows[n][i] for n in rows} for i in range(shape[0])]
    return value.tolist()


def as_bytes(value):
    """Strings as they are on the wire."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return [as_bytes(each) for each in value]
    if isinstance(value, dict) and value.keys() == {"b64"}:
        return b"\x00\xff" if value["b64"] == "AP8=" else None
    if isinstance(value, dict):
        return {name: as_bytes(each) for name, each in value.items()}
    return value


def is_same(found, expected) -> bool:
    """Whether it is the same value, as far as it was kept."""
    if found is None:
        return True
    if isinstance(found, list) and isinstance(expected, list):
        pairs = zip(found, expected, strict=True)
        return all(is_same(a, b) for a, b in pairs)
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            is_same(found[name], expected[name]) for name in found
        )
    if isinstance(found, float) and isinstance(expected, int | float):
        other = float(expected)
        return found == other or (math.isnan(found) and math.isnan(other))
    return type(found) is type(expected) and found == expected


def check_where(error: Exception) -> None:
    assert str(error).startswith("expected JSON: byte ")


def read(text: bytes):
    """What is in a document, or None if it is refused."""
    tracemalloc.start()
    try:
        found = read_json(text)
        _, peak = tracemalloc.get_traced_memory()
    except tfnative.InvalidArgumentError as error:
        check_where(error)
        return None
    finally:
        tracemalloc.stop()
    assert peak < 100_000 + 64 * len(text)
    return {name: as_python(value) for name, value in found.items()}


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(TEXTS, VALUES | LISTS.map(np.ndarray.tolist), max_size=3))
@example({"a": [10**400]})
@example({"a": [[[]], [[]]], "b": [{}, {}], "c": [[], [1]], "d": [1, [2]]})
@example({"a": [{"x": 1, "y": [2]}, {"y": [3], "x": 4}]})
@example({"a": [-1, (1 << 64) - 1], "b": [1, (1 << 64) - 1], "c": [1, 0.5, 1 << 63]})
def test_a_document_has_what_python_finds_in_it(document):
    text = json.dumps(document).encode()
    found = read(text)
    if found is None:
        assert any(len(digits) > 300 for digits in text.decode().split())
        return
    assert found.keys() == document.keys()
    for name, value in found.items():
        assert is_same(value, as_bytes(json.loads(text)[name])), (value, document)


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(TEXTS, VALUES, max_size=2), st.data())
def test_what_is_damaged_is_refused_or_read_as_python_reads_it(document, data):
    text = bytearray(
        json.dumps(document, ensure_ascii=data.draw(st.booleans())).encode()
    )
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        some = st.binary(max_size=2) | st.sampled_from(
            [b"[", b"{", b'"', b"\\", b",", b"}"]
        )
        text[at : at + data.draw(st.integers(0, 2))] = data.draw(some)
    found = read(bytes(text))
    if found is not None:
        expected = json.loads(text.decode())
        assert found.keys() == expected.keys()


@settings(deadline=None, max_examples=100)
@given(
    st.binary(max_size=40) | st.text('[]{}",:0123456789.eE+-truefalsn\\ ', max_size=40)
)
def test_any_bytes_are_refused_or_read_as_python_reads_them(text):
    raw = text.encode() if isinstance(text, str) else text
    found = read(raw)
    if found is not None:
        assert json.loads(raw.decode()).keys() == found.keys()


def rules(dtype: str) -> InputRules:
    spec = TensorSpec("x", np.dtype(dtype), None)
    return InputRules("m", Signature("s", {"x": spec}, {}, (), True), 1 << 20)


def inputs_of(value, dtype: str):
    return read_inputs(json.dumps({"inputs": value}), dtype)


def read_inputs(text: str, dtype: str):
    body = rest_columns.read(memoryview(text.encode()), has_examples=False)
    inputs = rest_columns.RestInputs(body)
    inputs.check(rules(dtype))
    return inputs.arrays()["x"]


def has_bool(value) -> bool:
    if isinstance(value, list):
        return any(map(has_bool, value))
    return isinstance(value, bool)


@settings(deadline=None, max_examples=100)
@given(VALUES | LISTS.map(np.ndarray.tolist), st.sampled_from(DTYPES))
def test_an_input_is_what_the_clients_own_reader_makes_of_it(value, dtype):
    try:
        expected = json_tensors.from_json(value, np.dtype(dtype), "x")
    except tfnative.InvalidArgumentError:
        expected = None
    try:
        found = inputs_of(value, dtype)
    except tfnative.InvalidArgumentError as refused:
        problem = str(refused)
    else:
        problem = ""
    if problem:
        assert "numpy" not in problem
        # Python takes true for 1; TensorFlow Serving does not.
        assert expected is None or has_bool(value), (problem, expected)
        return
    if expected is None:  # A whole number of more than 64 bits, as a float.
        assert found.dtype.kind == "f"
        return
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("text", "dtype", "match"),
    [
        ("[1099511627776]", "int32", "x': int32 cannot hold 1099511627776"),
        ("[1e300]", "float32", r"x': float32 cannot hold 1e\+300"),
        ("[70000]", "float16", "x': float16 cannot hold"),
        ("[1e400]", "float64", "a number is too large"),
        ("[" + "9" * 5000 + "]", "float32", "a number is too large"),
        ("[NaN]", "int32", "x': expected int32, got float64"),
        ("[-1]", "uint8", "x': uint8 cannot hold -1"),
        ("[1,[2]]", "float32", "x': lists have different lengths"),
        ("[null]", "float32", "x': null is no value"),
        ("[true,1]", "float32", "x': lists have different lengths, or hold"),
        ('[{"b64":"?"}]', "object", "x': expected base64"),
        ("[" * 33 + "1" + "]" * 33, "float32", "x': there are too many dimensions"),
        ("[" * 100_000, "float32", "nested too deeply"),
        ('{"a":' * 100_000, "float32", "nested too deeply"),
        ('{"x":[1],"x":[2]}', "float32", "'x' is there twice"),
        ('[{"y":1},{"z":1}]', "float32", "different names"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(text, dtype, match):
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        read_inputs(f'{{"inputs":{text}}}', dtype)


def read_examples(text: str):
    return rest_columns.examples(
        rest_columns.read(memoryview(text.encode()), has_examples=True)
    )


def test_examples_have_features_by_name():
    found, context = read_examples(
        '{"examples": [{"x": [0.1, 2], "n": 3}, {}], "context": {"t": ["a"]}}'
    )
    assert [{k: v.tolist() for k, v in one.items()} for one in found] == [
        {"x": [np.float32(0.1), 2.0], "n": 3},
        {},
    ]
    assert found[0]["x"].dtype == np.float32
    assert found[0]["n"].dtype.kind == "i"
    assert context is not None
    assert context["t"].tolist() == [b"a"]
    for none in ("", ', "context": null'):
        assert read_examples(f'{{"examples": [{{}}]{none}}}') == ([{}], None)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{}", "'examples' must be a list with objects"),
        ('{"examples": []}', "'examples' must be a list with objects"),
        ('{"examples": {}}', "'examples' must be a list with objects"),
        ('{"examples": [[]]}', "'examples' must be a list with objects"),
        ('{"examples": [{}, 1]}', "'examples' must be a list with objects"),
        ('{"examples": [{}], "context": [{}]}', "'context' must be an object"),
        ('{"examples": [{}], "context": 1}', "'context' must be an object"),
        ('{"examples": [{"x": {}}]}', "feature 'x': expected numbers or text"),
        ('{"examples": [{"x": [1, "a"]}]}', "feature 'x': lists have different"),
        ('{"examples": [{"x": 1e300}]}', "feature 'x': float32 cannot hold"),
    ],
)
def test_what_is_no_example_is_refused(text, match):
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        read_examples(text)


def test_very_many_names_are_refused():
    text = json.dumps({"a": {str(i): i for i in range(20_000)}}).encode()
    with pytest.raises(tfnative.InvalidArgumentError, match="too many different names"):
        read_json(text)


@settings(deadline=None)
@given(
    st.sampled_from(
        ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
    ).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0)))
)
def test_arrays_are_written_so_that_python_reads_the_same_numbers(array):
    written = json.loads(
        bytes(write_json(np.ascontiguousarray(array).reshape(array.shape)))
    )
    assert np.shape(written)[: array.ndim] == array.shape or array.size == 0
    again = np.array(written, array.dtype).reshape(array.shape)
    np.testing.assert_array_equal(again, array)
    if array.size and array.dtype.kind == "f":
        assert type(np.ravel(written).tolist()[0]) is float


def test_rows_have_an_object_each():
    a, b = np.arange(4.0).reshape(2, 2), np.array([True, False])
    assert json.loads(bytes(write_json_rows(['"a"', '"\\"b"'], [a, b]))) == [
        {"a": [0.0, 1.0], '"b': True},
        {"a": [2.0, 3.0], '"b': False},
    ]
    with pytest.raises(
        tfnative.InvalidArgumentError, match="different numbers of rows"
    ):
        write_json_rows(['"a"', '"b"'], [a, b[:1]])
