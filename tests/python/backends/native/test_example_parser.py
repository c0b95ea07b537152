# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""tf.Example messages are parsed as TensorFlow parses them."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tfnative import _core
from tfnative.errors import InvalidArgumentError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
tf = pytest.importorskip("tensorflow")

NUMBERS = {"float32": 1, "string": 7, "int64": 9}
FLOATS = st.floats(width=32)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
VALUES = {"float32": FLOATS, "int64": INTEGERS, "string": st.binary(max_size=5)}
NAMES = st.sampled_from(["a", "b", "long name", "ä", ""])
# Not (0,): TensorFlow 2.21 writes to a null pointer if such a feature has values.
SHAPES = st.sampled_from([(), (1,), (2,), (2, 1)])


@st.composite
def feature_specs(draw):
    """(name, dtype, shape, default or None) of each feature."""
    found = []
    for name in draw(st.lists(NAMES, unique=True, min_size=1)):
        dtype, shape = draw(st.sampled_from(list(NUMBERS))), draw(SHAPES)
        size = int(np.prod(shape))
        default = draw(
            st.none() | st.lists(VALUES[dtype], min_size=size, max_size=size)
        )
        found.append((name, dtype, shape, default))
    return found


@st.composite
def messages(draw, specs):
    """An example that most likely has the features, and that any writer may write."""
    entries = []
    for name, right, shape, _ in specs:
        if draw(st.integers(0, 7)) == 0:
            continue
        is_wrong = draw(st.integers(0, 7)) == 0
        dtype = draw(st.sampled_from(list(NUMBERS))) if is_wrong else right
        size = max(0, int(np.prod(shape)) + draw(st.sampled_from([0] * 9 + [1, -1])))
        values = draw(st.lists(VALUES[dtype], min_size=size, max_size=size))
        # TensorFlow 2.21 writes past its tensor if too many are not packed.
        packed = draw(st.booleans()) or size > int(np.prod(shape))
        entries.append(entry(name, feature(dtype, values, packed)))
    if draw(st.integers(0, 5)) == 0:
        entries += (
            draw(st.lists(st.sampled_from(entries), max_size=2)) if entries else []
        )
        entries.append(entry(draw(NAMES), b""))
        entries.append(entry("unknown", draw(st.binary(max_size=4))))
    entries = draw(st.permutations(entries))
    cut = draw(st.integers(0, len(entries)))
    parts = [entries[:cut], entries[cut:]] if draw(st.booleans()) else [entries]
    return b"".join(field(1, b"".join(part)) for part in parts)


def varint(value):
    value &= 2**64 - 1
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def entry(name, content):
    return field(1, field(1, name.encode()) + field(2, content))


def feature(dtype, values, packed):
    if dtype == "string":
        return field(1, b"".join(field(1, value) for value in values))
    if dtype == "float32":
        number, tag = 2, b"\x0d"
        items = [struct.pack("<f", value) for value in values]
    else:
        number, tag = 3, b"\x08"
        items = [varint(value) for value in values]
    if packed:
        return field(number, field(1, b"".join(items)))
    return field(number, b"".join(tag + item for item in items))


def ours(specs, rows):
    parser = _core.ExampleParser(
        [(name, NUMBERS[dtype], shape, value) for name, dtype, shape, value in specs]
    )
    return parser.parse(rows)


def tensorflows(specs, rows):
    """What TensorFlow parses, or None if it refuses."""
    features = {
        name: tf.io.FixedLenFeature(
            shape, dtype, None if value is None else np_value(value, dtype, shape)
        )
        for name, dtype, shape, value in specs
    }
    try:
        found = tf.io.parse_example(tf.constant(rows, tf.string, [len(rows)]), features)
    except tf.errors.InvalidArgumentError:
        return None
    return [found[name].numpy() for name, *_ in specs]


def np_value(value, dtype, shape):
    return np.array(value, object if dtype == "string" else dtype).reshape(shape)


def assert_same(got, expected):
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        if a.dtype == object:
            assert a.tolist() == b.tolist()
        else:
            assert a.tobytes() == b.tobytes()


def check(specs, rows):
    """That both refuse, or both give the same."""
    expected = tensorflows(specs, rows)
    if expected is None:
        with pytest.raises(InvalidArgumentError, match=r"example \d+: "):
            ours(specs, rows)
    else:
        assert_same(ours(specs, rows), expected)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_writers_write_is_parsed_as_tensorflow_does(data):
    specs = data.draw(feature_specs())
    check(specs, data.draw(st.lists(messages(specs), max_size=3)))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_accepted_is_what_tensorflow_accepts(data):
    specs = data.draw(feature_specs())
    message = bytearray(data.draw(messages(specs)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(message)))
        with_bytes = data.draw(st.binary(max_size=2))
        message[at : at + data.draw(st.integers(0, 2))] = with_bytes
    try:
        got = ours(specs, [bytes(message)])
    except InvalidArgumentError:
        return
    expected = tensorflows(specs, [bytes(message)])
    assert expected is not None
    assert_same(got, expected)


def test_messages_of_protobuf_itself_are_parsed():
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.extend([1, float("nan")])
    example.features.feature["n"].int64_list.value.extend([-5])
    example.features.feature["s"].bytes_list.value.extend([b"\0\xff", b""])
    specs = [
        ("x", "float32", (2,), None),
        ("n", "int64", (), None),
        ("s", "string", (1, 2), None),
        ("d", "int64", (2,), [3, 4]),
    ]
    row = example.SerializeToString()
    check(specs, [row, row + row, row])
    context = tf.train.Example()
    context.features.feature["n"].int64_list.value.extend([6])
    check(specs, [context.SerializeToString() + row, row + context.SerializeToString()])


def test_a_feature_without_elements_has_to_be_there():
    empty = field(1, entry("x", feature("float32", [], True)))
    for default in (None, []):
        specs = [("x", "float32", (0, 2), default)]
        check(specs, [empty])
        check(specs, [field(1, b"")])


def test_rows_come_as_a_list_a_tuple_or_an_array_of_objects():
    specs = [("n", "int64", (), None)]
    rows = [field(1, entry("n", feature("int64", [n], True))) for n in range(3)]
    for given_rows in (rows, tuple(rows), np.array(rows, object)):
        (found,) = ours(specs, given_rows)
        assert found.tolist() == [0, 1, 2]
    assert ours(specs, [])[0].shape == (0,)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (b"one", "expected a sequence of bytes"),
        ("text", "expected a sequence of bytes"),
        (5, "expected a sequence of bytes"),
        (["text"], "example 0: expected bytes, got str"),
        ([b"", None], "example 1: expected bytes, got NoneType"),
        (np.array([b"x"]), "dtype=object"),
        (np.array([[b"x"]], object), "another rank"),
        (np.array(b"x", object), "another rank"),
    ],
    ids=str,
)
def test_what_is_no_sequence_of_messages_is_refused(rows, says):
    with pytest.raises(InvalidArgumentError, match=says):
        ours([("n", "int64", (), [1])], rows)


def test_the_error_names_the_row_and_the_feature():
    fine = field(1, entry("n", feature("int64", [1], True)))
    wrong = field(1, entry("n", feature("int64", [1, 2], True)))
    with pytest.raises(
        InvalidArgumentError, match="example 1: feature 'n': expected 1 values, got 2"
    ):
        ours([("n", "int64", (), None)], [fine, wrong])
