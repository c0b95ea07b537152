# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays as TensorProto messages on the wire, and back, with one copy each way.

The message is that of tensorflow/core/framework/tensor.proto.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._base.arrays import numpy_dtype
from tfnative._base.wire import (
    Buffer,
    bytes_field,
    bytes_field_of_parts,
    number_field,
    read_fields,
)
from tfnative.errors import InvalidArgumentError, UnimplementedError

DT_STRING = 7

# tensorflow.DataType by NumPy's names.
DATA_TYPES = {
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "complex64": 8,
    "int64": 9,
    "bool": 10,
    "bfloat16": 14,
    "uint16": 17,
    "complex128": 18,
    "float16": 19,
    "uint32": 22,
    "uint64": 23,
}
_NAMES = {number: name for name, number in DATA_TYPES.items()}
_REFUSED = {
    11: "qint8",
    12: "quint8",
    13: "qint32",
    15: "qint16",
    16: "quint16",
    20: "resource",
    21: "variant",
    24: "float8_e5m2",
    25: "float8_e4m3fn",
    29: "int4",
    30: "uint4",
}

# Fields of TensorProto and of what is in it.
_DTYPE, _SHAPE, _CONTENT, _STRINGS = 1, 2, 4, 8
_DIM, _UNKNOWN_RANK = 2, 3
_DIM_SIZE = 1


def data_type_name(number: int) -> str:
    """NumPy's name of a tensorflow.DataType, or TensorFlow's where it has none."""
    if number == DT_STRING:
        return "string"
    return _NAMES.get(number) or _REFUSED.get(number) or f"DataType {number}"


def data_type_dtype(number: int) -> np.dtype[Any]:
    """The dtype of arrays with such elements; that of strings is object.

    Raises:
        UnimplementedError: There are no such arrays.
    """
    if number == DT_STRING:
        return np.dtype(object)
    if number in _NAMES:
        return numpy_dtype(_NAMES[number])
    raise UnimplementedError(f"tensors of {data_type_name(number)} are not supported")


def data_type_of(dtype: np.dtype[Any]) -> int:
    """The tensorflow.DataType of a dtype; object is that of strings."""
    return DT_STRING if dtype.kind in "OSU" else DATA_TYPES[dtype.name]


_MAX_BYTES = 1 << 31
"""No message is larger; nor need a tensor be that repeats one value."""


# --- To the wire ----------------------------------------------------------------------


def encode_tensor(value: npt.ArrayLike) -> list[Buffer]:
    """A TensorProto, in parts to be joined. Numbers are not copied.

    Args:
        value: An array; or numbers, bool, bytes, str, or sequences of them. Python's
            float becomes float32 and int becomes int64, unless it fits int32 nowhere:
            as NumPy has it otherwise. Strings are arrays of bytes or str (as UTF-8).

    Raises:
        InvalidArgumentError: It is no such thing.
    """
    array = as_array(value)
    if array.dtype.kind in "OSU":
        strings = [bytes_field(_STRINGS, item) for item in _as_strings(array)]
        return [_head(DT_STRING, array.shape), *strings]
    name = array.dtype.newbyteorder("=").name
    if name not in DATA_TYPES:
        raise InvalidArgumentError(f"expected numbers, bool or strings, got {name}")
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(
        array.shape
    )
    head = _head(DATA_TYPES[name], array.shape)
    if array.size == 0:
        return [head]
    content = array.reshape(-1).view(np.uint8).data
    return [head, *bytes_field_of_parts(_CONTENT, [content])]


def as_array(value: npt.ArrayLike) -> npt.NDArray[Any]:
    """An array as it is; of other values, one of a type that models take mostly."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, bytes | str):
        return np.array(value, object)
    try:
        found = np.asarray(value)
    except ValueError as error:
        raise InvalidArgumentError(f"expected an array: {error}") from None
    if isinstance(value, np.generic):
        return found
    if found.dtype.kind in "SU":  # NumPy has cut zeros at their ends.
        return np.asarray(value, object)
    return found.astype(np.float32) if found.dtype == np.float64 else found


def _as_strings(array: npt.NDArray[Any]) -> list[bytes]:
    items: list[object] = array.ravel().tolist()
    return [_as_bytes(item) for item in items]


def _as_bytes(item: object) -> bytes:
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, bytes):
        return item
    raise InvalidArgumentError(f"expected bytes or str, got {type(item).__name__}")


@lru_cache(1024)  # The same few over and over.
def _head(data_type: int, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(
        bytes_field(_DIM, number_field(_DIM_SIZE, size) if size else b"")
        for size in shape
    )
    return number_field(_DTYPE, data_type) + bytes_field(_SHAPE, dims)


# --- From the wire --------------------------------------------------------------------


def decode_tensor(message: memoryview, where: str) -> npt.NDArray[Any]:
    """The array of a TensorProto: a new one, which may be written to.

    Args:
        message: As it is on the wire.
        where: What it belongs to, for messages.

    Raises:
        InvalidArgumentError: It is not well formed, or has another number of elements
            than its shape says.
        UnimplementedError: It has elements that NumPy cannot have.
    """
    data_type, content = 0, None
    shape: tuple[int, ...] = ()
    values: list[tuple[int, int | memoryview]] = []
    for number, value in read_fields(message):
        if number == _DTYPE and isinstance(value, int):
            data_type = value
        elif number == _SHAPE and isinstance(value, memoryview):
            try:
                shape = _read_shape(bytes(value))
            except InvalidArgumentError as error:
                raise InvalidArgumentError(f"{where}: {error}") from None
        elif number == _CONTENT and isinstance(value, memoryview):
            content = value
        else:
            values.append((number, value))
    dtype = _dtype(data_type, where)
    count = math.prod(shape)
    if count * dtype.itemsize > _MAX_BYTES:
        raise InvalidArgumentError(f"{where}: {dtype.name} {shape} is too large")
    if data_type == DT_STRING:
        return _strings(values, count, where).reshape(shape)
    if content is not None and len(content) > 0:
        if len(content) != count * dtype.itemsize:
            raise InvalidArgumentError(
                f"{where}: expected {count * dtype.itemsize} bytes for {dtype.name}"
                f" {shape}, got {len(content)}"
            )
        little = np.frombuffer(content, dtype.newbyteorder("<"))
        return little.astype(dtype).reshape(shape)
    return _typed(data_type, dtype, values, count, where).reshape(shape)


def _dtype(data_type: int, where: str) -> np.dtype[Any]:
    try:
        return data_type_dtype(data_type)
    except UnimplementedError as error:
        raise UnimplementedError(f"{where}: {error}") from None


@lru_cache(1024)
def _read_shape(message: bytes) -> tuple[int, ...]:
    sizes = []
    for number, value in read_fields(memoryview(message)):
        if number == _DIM and isinstance(value, memoryview):
            size = dict(read_fields(value)).get(_DIM_SIZE, 0)
            if not isinstance(size, int) or size >= 1 << 63:
                raise InvalidArgumentError("a size is unknown")
            sizes.append(size)
        elif number == _UNKNOWN_RANK and value:
            raise InvalidArgumentError("the rank is unknown")
    return tuple(sizes)


def _strings(
    values: Sequence[tuple[int, int | memoryview]], count: int, where: str
) -> npt.NDArray[np.object_]:
    items = [bytes(v) for number, v in values if number == _STRINGS]
    found = np.empty(count, object)
    found[:] = _repeat_last(items, count, b"", where)
    return found


def _repeat_last(items: Any, count: int, default: Any, where: str) -> Any:
    """As TensorFlow fills tensors: with the last value, or zeros if there is none."""
    if len(items) == count:
        return items
    if len(items) > count:
        raise InvalidArgumentError(
            f"{where}: expected {count} values, got {len(items)}"
        )
    last = items[-1] if len(items) else default
    if isinstance(items, list):
        return items + [last] * (count - len(items))
    return np.concatenate([items, np.full(count - len(items), last, items.dtype)])


def _signed(bits: npt.NDArray[np.uint64]) -> npt.NDArray[Any]:
    return bits.view(np.int64)


# The field that values of a type are in, how they are written there, and what of.
_FIXED: dict[str, tuple[int, str]] = {
    "float32": (5, "<f4"),
    "float64": (6, "<f8"),
    "complex64": (9, "<c8"),
    "complex128": (12, "<c16"),
}
_VARINTS: dict[str, tuple[int, Callable[[npt.NDArray[np.uint64]], Any]]] = {
    "int32": (7, _signed),
    "uint8": (7, _signed),
    "int16": (7, _signed),
    "int8": (7, _signed),
    "uint16": (7, _signed),
    "int64": (10, _signed),
    "bool": (11, _signed),
    "uint32": (16, lambda bits: bits),
    "uint64": (17, lambda bits: bits),
}
_HALVES = 13
"""float16 and bfloat16 are written as numbers that have their bits."""


def _typed(
    data_type: int,
    dtype: np.dtype[Any],
    values: Sequence[tuple[int, int | memoryview]],
    count: int,
    where: str,
) -> npt.NDArray[Any]:
    """From the field for values of that type, packed or not."""
    name = _NAMES[data_type]
    if name in _FIXED:
        field, format_ = _FIXED[name]
        parts = [bytes(v) for n, v in values if n == field]
        raw = b"".join(parts)
        size = np.dtype(format_).itemsize
        if len(raw) % size:
            raise InvalidArgumentError(f"{where}: a value is cut off")
        found: npt.NDArray[Any] = np.frombuffer(raw, format_).astype(dtype)
    elif name in _VARINTS:
        field, convert = _VARINTS[name]
        found = convert(_numbers(values, field)).astype(dtype)
    else:
        found = _numbers(values, _HALVES).astype(np.uint16).view(dtype)
    filled: npt.NDArray[Any] = np.array(_repeat_last(found, count, 0, where), dtype)
    return filled


def _numbers(
    values: Sequence[tuple[int, int | memoryview]], field: int
) -> npt.NDArray[np.uint64]:
    found: list[int] = []
    for number, value in values:
        if number != field:
            continue
        if isinstance(value, int):
            found.append(value)
        else:
            found += _unpack(value)
    return np.array(found, np.uint64)


def _unpack(packed: memoryview) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value & 0xFFFF_FFFF_FFFF_FFFF)
            value, shift = 0, 0
        elif shift > 63:
            raise InvalidArgumentError("a number in a message does not end")
    if shift:
        raise InvalidArgumentError("a number in a message does not end")
    return found
