# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Any TensorProto is an array as TensorFlow makes it, or an error of ours."""

from __future__ import annotations

import importlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import tfnative
from tfnative._base.wire import bytes_field, number_field, varint
from tfnative.serving.tensors.declaration import read_declaration
from tfnative.serving.tensors.decode import decode_declared, decode_tensor

tf = pytest.importorskip("tensorflow")
tensor_pb2 = importlib.import_module("tensorflow.core.framework.tensor_pb2")

REFUSED = tfnative.InvalidArgumentError, tfnative.UnimplementedError
MOST_BYTES = 1 << 16
"""Of arrays that these tests make."""

NUMBERS = {"int_val": 32, "int64_val": 64, "half_val": 32}
INTEGERS = {
    name: st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) | st.integers(-300, 300)
    for name, bits in NUMBERS.items()
}
VALUES = {
    **INTEGERS,
    "float_val": st.floats(width=32),
    "double_val": st.floats(),
    "scomplex_val": st.floats(width=32),
    "dcomplex_val": st.floats(),
    "bool_val": st.booleans(),
    "uint32_val": st.integers(0, (1 << 32) - 1),
    "uint64_val": st.integers(0, (1 << 64) - 1),
    "string_val": st.binary(max_size=5),
}
OWN = {
    1: "float_val",
    2: "double_val",
    3: "int_val",
    4: "int_val",
    5: "int_val",
    6: "int_val",
    7: "string_val",
    8: "scomplex_val",
    9: "int64_val",
    10: "bool_val",
    14: "half_val",
    17: "int_val",
    18: "dcomplex_val",
    19: "half_val",
    22: "uint32_val",
    23: "uint64_val",
}
FIELDS = {
    field.name: field.number
    for field in tensor_pb2.TensorProto.DESCRIPTOR.fields
    if field.name.endswith("_val")
}
"""What TensorFlow's message has for values."""
SIZES = st.integers(0, 4) | st.sampled_from([-1, 1 << 31, 1 << 62, (1 << 63) - 1])


@st.composite
def messages(draw) -> bytes:
    proto = tensor_pb2.TensorProto(dtype=draw(st.sampled_from([*OWN, 0, 11, 20, 25])))
    proto.tensor_shape.unknown_rank = draw(st.sampled_from([False] * 9 + [True]))
    for size in draw(st.lists(SIZES if draw(st.booleans()) else st.integers(0, 3))):
        proto.tensor_shape.dim.add(size=size)
    fields = {OWN.get(proto.dtype, "int_val")}
    if draw(st.sampled_from([False] * 4 + [True])):
        fields.add(draw(st.sampled_from(sorted(VALUES))))
    for name in fields:
        getattr(proto, name).extend(draw(st.lists(VALUES[name], max_size=9)))
    if draw(st.booleans()):
        proto.tensor_content = draw(st.binary(max_size=32))
    return proto.SerializeToString()


def has_sentence(error: Exception) -> None:
    assert len(str(error).split()) > 2


def agrees(message: bytes) -> bool:
    """Checks a message; whether it is an array."""
    tracemalloc.start()
    try:
        declared = read_declaration(memoryview(message))
        if declared.nbytes > MOST_BYTES:
            assert tracemalloc.get_traced_memory()[1] < (1 << 16) + 8 * len(message)
            return False
        found = decode_declared(declared)
        _, peak = tracemalloc.get_traced_memory()
    except REFUSED as error:
        has_sentence(error)
        return False
    finally:
        tracemalloc.stop()
    assert peak < (1 << 16) + 64 * len(message) + 4 * declared.nbytes
    expected = tf.make_ndarray(tensor_pb2.TensorProto.FromString(message))
    if found.dtype == object:  # TensorFlow fills up with an empty str.
        expected = np.where(expected == "", b"", expected).astype(object)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    return True


@settings(deadline=None, max_examples=100)
@given(messages())
def test_any_message_is_tensorflows_array_or_an_error(message):
    agrees(message)


@settings(deadline=None, max_examples=100)
@given(messages(), st.data())
def test_any_damaged_message_is_tensorflows_array_or_an_error(message, data):
    damaged = bytearray(message)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        damaged[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.binary(max_size=2)
        )
    agrees(bytes(damaged))


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=64))
@example(b"")
def test_any_bytes_are_tensorflows_array_or_an_error(message):
    agrees(message)


def shape(*sizes: int) -> bytes:
    dims = b"".join(bytes_field(2, number_field(1, size)) for size in sizes)
    return bytes_field(2, dims)


@pytest.mark.parametrize("data_type", OWN)
def test_values_one_by_one_are_those_that_are_packed(data_type):
    numbers = {"float_val": 4, "scomplex_val": 4, "double_val": 8, "dcomplex_val": 8}
    name = OWN[data_type]
    if name == "string_val":
        return
    field = tensor_pb2.TensorProto.DESCRIPTOR.fields_by_name[name].number
    head = number_field(1, data_type) + shape(2)
    if name in numbers:
        size = numbers[name]
        count = 4 if name.endswith("complex_val") else 2
        parts = [bytes([i]) * size for i in range(1, count + 1)]
        tag = varint(field << 3 | (5 if size == 4 else 1))
        alone = b"".join(tag + part for part in parts)
        packed = bytes_field(field, b"".join(parts))
    else:
        alone = number_field(field, 1) + number_field(field, 0)
        packed = bytes_field(field, b"\1\0")
    assert agrees(head + alone)
    assert agrees(head + packed)
    found = decode_tensor(memoryview(head + alone), "x")
    np.testing.assert_array_equal(found, decode_tensor(memoryview(head + packed), "x"))


def test_what_follows_is_added_as_protobuf_merges_messages():
    message = shape(1) + number_field(1, 3) + shape(2) + number_field(7, 5)
    assert agrees(message + number_field(1, 3) + number_field(7, (1 << 64) - 1))


NEGATIVE = number_field(7, (1 << 64) - 7)
CUT = number_field(7, (1 << 32) - 7)
"""Some writers leave the upper half of a negative number out."""


@pytest.mark.parametrize("message", [NEGATIVE, CUT])
@pytest.mark.parametrize("data_type", [3, 5, 6])
def test_negative_numbers_are_read_however_they_are_written(data_type, message):
    found = decode_tensor(memoryview(number_field(1, data_type) + message), "x")
    assert found == -7
    assert agrees(number_field(1, data_type) + message)


@pytest.mark.parametrize(
    ("message", "match"),
    [
        (number_field(1, 3) + number_field(7, 1 << 40), "int32 cannot hold 1099511"),
        (number_field(1, 6) + number_field(7, 128), "int8 cannot hold 128"),
        (number_field(1, 4) + NEGATIVE, "uint8 cannot hold -7"),
        (number_field(1, 17) + number_field(7, 1 << 16), "uint16 cannot hold 65536"),
        (number_field(1, 19) + number_field(13, 1 << 16), "cannot hold 65536"),
        (number_field(1, 22) + number_field(16, 1 << 32), "uint32 cannot hold"),
        (
            number_field(1, 3) + bytes_field(5, bytes(4)),
            "float_val, but those of int32",
        ),
        (number_field(1, 1) + number_field(7, 1), "int_val, but those of float32"),
        (number_field(1, 7) + bytes_field(4, b"abc"), "cannot have strings"),
        (
            number_field(1, 1) + bytes_field(4, bytes(4)) + bytes_field(5, bytes(4)),
            "both tensor_content and float_val",
        ),
        (number_field(1, 1) + shape(-1), "unknown or negative"),
        (number_field(1, 1) + shape(0, 1 << 62), "too large"),
        (number_field(1, 1) + shape(1 << 62, 1 << 62), "too large"),
        (number_field(1, 1) + shape(*[1] * 65), "at most .* dimensions, got 65"),
        (number_field(1, 1) + bytes_field(5, bytes(3)), "a value is cut off"),
        (number_field(1, 8) + bytes_field(9, bytes(4)), "a value is cut off"),
        (number_field(1, 3) + bytes_field(7, b"\xff"), "does not end"),
        (number_field(1, 3) + shape(1) + bytes_field(7, b"\1\2"), "got more"),
    ],
)
def test_what_would_become_other_numbers_in_silence_is_refused(message, match):
    with pytest.raises(tfnative.InvalidArgumentError, match=f"^x: .*{match}"):
        decode_tensor(memoryview(message), "x")


@pytest.mark.parametrize("name", FIELDS)
def test_values_where_another_type_has_them_do_not_become_zeros(name):
    for dtype, own in OWN.items():
        shape = bytes_field(2, bytes_field(2, number_field(1, 1)))
        values = bytes_field(FIELDS[name], b"\0" * 8)
        message = number_field(1, dtype) + shape + values
        if name != own:
            with pytest.raises(tfnative.InvalidArgumentError, match=name):
                read_declaration(memoryview(message))
        else:
            assert read_declaration(memoryview(message)).shape == (1,)
