# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays go to the wire and back as TensorFlow's own functions write and read them."""

from __future__ import annotations

import contextlib
import importlib

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import tfnative
from tfnative.serving.tensors.data_types import DATA_TYPES
from tfnative.serving.tensors.decode import decode_tensor
from tfnative.serving.tensors.encode import encode_tensor

tf = pytest.importorskip("tensorflow")
tensor_pb2 = importlib.import_module("tensorflow.core.framework.tensor_pb2")

NUMPY_TYPES = [name for name in DATA_TYPES if name != "bfloat16"]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
NUMBERS = st.sampled_from(NUMPY_TYPES).flatmap(lambda t: hnp.arrays(t, SHAPES))
STRINGS = SHAPES.flatmap(
    lambda shape: st.lists(
        st.binary(max_size=9),
        min_size=int(np.prod(shape)),
        max_size=int(np.prod(shape)),
    ).map(lambda items: object_array(items, shape))
)


def object_array(items: list, shape: tuple[int, ...]) -> np.ndarray:
    found = np.empty(len(items), object)
    found[:] = items
    return found.reshape(shape)


def encoded(value) -> bytes:
    return b"".join(encode_tensor(value))


def decoded(message: bytes) -> np.ndarray:
    return decode_tensor(memoryview(message), "x")


def official(array: np.ndarray):
    """As TensorFlow Serving's own clients make it, contents in one piece."""
    proto = tensor_pb2.TensorProto(dtype=tf.as_dtype(array.dtype).as_datatype_enum)
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        proto.string_val.extend(array.ravel().tolist())
    else:
        proto.tensor_content = array.tobytes()
    return proto


@settings(deadline=None)
@given(st.one_of(NUMBERS, STRINGS))
def test_the_bytes_are_those_of_the_official_classes(array):
    assert encoded(array) == official(array).SerializeToString(deterministic=True)


@settings(deadline=None)
@given(st.one_of(NUMBERS, STRINGS))
def test_tensorflow_reads_what_was_written(array):
    proto = tensor_pb2.TensorProto.FromString(encoded(array))
    found = tf.make_ndarray(proto)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@settings(deadline=None)
@given(st.one_of(NUMBERS, STRINGS))
def test_what_was_written_is_read_again(array):
    found = decoded(encoded(array))
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)
    found[...] = found  # It is the reader's own.


@settings(deadline=None)
@given(NUMBERS, st.booleans())
def test_values_in_the_fields_of_their_types_are_read(array, repeats):
    proto = tf.make_tensor_proto(array)  # One value, or all alike: not as contents.
    typed = tensor_pb2.TensorProto(dtype=proto.dtype, tensor_shape=proto.tensor_shape)
    values = array.ravel()
    if repeats and values.size:
        array = np.full_like(array, values[0])
        values = values[:1]
    fields = {
        "float32": "float_val",
        "float64": "double_val",
        "complex64": "scomplex_val",
        "complex128": "dcomplex_val",
        "int64": "int64_val",
        "bool": "bool_val",
        "uint32": "uint32_val",
        "uint64": "uint64_val",
        "float16": "half_val",
    }
    if array.dtype.kind == "c":
        values = values.view(values.real.dtype)
    if array.dtype == np.float16:
        values = values.view(np.uint16)
    name = fields.get(array.dtype.name, "int_val")
    getattr(typed, name).extend(values.tolist())
    found = decoded(typed.SerializeToString())
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    np.testing.assert_array_equal(found, tf.make_ndarray(typed))


def test_bfloat16_goes_both_ways():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.array([[1.5, -2], [0, 3]], ml_dtypes.bfloat16)
    assert encoded(array) == official(array).SerializeToString(deterministic=True)
    np.testing.assert_array_equal(decoded(encoded(array)), array)
    typed = tf.make_tensor_proto(array[0, :1])
    np.testing.assert_array_equal(decoded(typed.SerializeToString()), array[0, :1])


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (1, np.int64, ()),
        ([1.5, 2], np.float32, (2,)),
        ([[True], [False]], np.bool_, (2, 1)),
        ("text", object, ()),
        ([b"a\0", "b"], object, (2,)),
        (np.float64(1), np.float64, ()),
        ([], np.float32, (0,)),
    ],
)
def test_python_values_become_tensors(value, dtype, shape):
    found = decoded(encoded(value))
    assert found.dtype == dtype
    assert found.shape == shape


def test_strings_of_numpy_are_strings():
    found = decoded(encoded(np.array(["ä", "b"])))
    assert found.tolist() == ["ä".encode(), b"b"]


def test_arrays_that_do_not_lie_in_order_are_put_in_order():
    array = np.arange(24, dtype=">f4").reshape(2, 3, 4).transpose(2, 0, 1)[::2]
    np.testing.assert_array_equal(decoded(encoded(array)), array)


@pytest.mark.parametrize("value", [object(), [[1], [1, 2]], np.array(["2020"], "M8")])
def test_what_is_no_tensor_is_refused(value):
    with pytest.raises(tfnative.InvalidArgumentError):
        encode_tensor(value)


def test_types_that_numpy_does_not_have_are_refused_by_name():
    proto = tensor_pb2.TensorProto(dtype=tf.qint8.as_datatype_enum)
    with pytest.raises(tfnative.UnimplementedError, match="x: tensors of qint8"):
        decoded(proto.SerializeToString())


def test_more_or_fewer_bytes_than_the_shape_says_are_refused():
    proto = official(np.zeros((2, 3), np.float32))
    proto.tensor_content += b"\0"
    with pytest.raises(tfnative.InvalidArgumentError, match=r"x: expected 24 bytes"):
        decoded(proto.SerializeToString())
    proto.tensor_content = b""
    proto.int_val.extend(range(3))
    proto.dtype = tf.int32.as_datatype_enum
    proto.tensor_shape.dim[1].size = 1
    with pytest.raises(
        tfnative.InvalidArgumentError, match="expected 2 values, got more"
    ):
        decoded(proto.SerializeToString())


@settings(deadline=None, max_examples=500)
@given(st.one_of(NUMBERS, STRINGS), st.data())
def test_damaged_messages_give_errors_and_no_more(array, data):
    message = bytearray(encoded(array))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(message) - 1))
        message[at] = data.draw(st.integers(0, 255))
    message = message[: data.draw(st.integers(0, len(message)))]
    refused = tfnative.InvalidArgumentError, tfnative.UnimplementedError
    with contextlib.suppress(*refused):
        decoded(bytes(message))


def test_a_small_message_does_not_become_a_huge_tensor():
    proto = official(np.zeros((1,), np.float32))
    proto.tensor_shape.dim[0].size = 1 << 40
    proto.tensor_content = b""
    with pytest.raises(tfnative.InvalidArgumentError, match="too large"):
        decoded(proto.SerializeToString())
