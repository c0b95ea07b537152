# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors of the Open Inference Protocol: their types, and their bytes.

https://github.com/kserve/open-inference-protocol describes them. In bytes, numbers are
little-endian and in the order of rows; before each string is its length, in 4 bytes.
"""

from __future__ import annotations

import struct
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tfnative._base.arrays import numpy_dtype
from tfnative.errors import InvalidArgumentError, UnimplementedError

Array: TypeAlias = npt.NDArray[Any]

DATATYPES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    "BF16": "bfloat16",
    "BYTES": "string",
}
"""NumPy's names by the protocol's."""
_NAMES = {name: datatype for datatype, name in DATATYPES.items()}
_LENGTH = struct.Struct("<I")


def dtype_of(datatype: str) -> np.dtype[Any]:
    """The dtype of arrays of a type; that of BYTES is object.

    Raises:
        InvalidArgumentError: The protocol has no such type.
    """
    if datatype not in DATATYPES:
        raise InvalidArgumentError(
            f"expected a datatype of {', '.join(DATATYPES)}, got {datatype[:100]!r}"
        )
    return numpy_dtype(DATATYPES[datatype])


def datatype_of(name: str, dtype: np.dtype[Any]) -> str:
    """The type of a tensor.

    Args:
        name: The tensor's, for messages.
        dtype: That of its arrays.

    Raises:
        UnimplementedError: The protocol has none.
    """
    found = "BYTES" if dtype.kind in "OSU" else _NAMES.get(dtype.name)
    if found is None:
        raise UnimplementedError(
            f"{name!r}: the Open Inference Protocol has no {dtype.name}; ask for it"
            " with TensorFlow Serving's API over gRPC"
        )
    return found


def check_raw(size_bytes: int, dtype: np.dtype[Any], count: int) -> None:
    """Compares a number of bytes with what so many elements take.

    Raises:
        InvalidArgumentError: There are more, or fewer.
    """
    if dtype.kind == "O":
        # Each has a length, so that a count cannot be larger than its bytes allow.
        if size_bytes < count * _LENGTH.size:
            raise InvalidArgumentError(
                f"expected at least {count * _LENGTH.size} bytes for {count} strings"
                f" and their lengths, got {size_bytes}"
            )
    elif size_bytes != count * dtype.itemsize:
        raise InvalidArgumentError(
            f"expected {count * dtype.itemsize} bytes for {count} x {dtype.name}, got"
            f" {size_bytes}"
        )


def from_raw(content: memoryview, dtype: np.dtype[Any], count: int) -> Array:
    """An array of one dimension, which has its own memory.

    Raises:
        InvalidArgumentError: There are more bytes, or fewer.
    """
    check_raw(len(content), dtype, count)
    if dtype.kind == "O":
        return _strings(content, count)
    if dtype.kind == "b":
        return np.not_equal(np.frombuffer(content, np.uint8), 0)
    return np.frombuffer(content, dtype.newbyteorder("<")).astype(dtype)


def to_raw(array: Array) -> memoryview:
    """The bytes of an array."""
    if array.dtype.kind in "OSU":
        parts = []
        for value in array.reshape(-1).tolist():
            raw = as_bytes(value)
            parts += [_LENGTH.pack(len(raw)), raw]
        return memoryview(b"".join(parts))
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8).data


def as_bytes(value: Any) -> bytes:
    """An element of an array of strings."""
    return value.encode() if isinstance(value, str) else bytes(value)


def _strings(content: memoryview, count: int) -> Array:
    found, at, size = np.empty(count, object), 0, len(content)
    for index in range(count):
        end = at + _LENGTH.size
        if end > size:
            raise InvalidArgumentError(f"string {index} of {count} is cut off")
        (length,) = _LENGTH.unpack_from(content, at)
        if length > size - end:
            raise InvalidArgumentError(
                f"string {index} of {count} has {length} bytes, of which there are"
                f" {size - end}"
            )
        at = end + length
        found[index] = bytes(content[end:at])
    if at != size:
        raise InvalidArgumentError(
            f"{size - at} bytes are left after the last of {count} strings"
        )
    return found
