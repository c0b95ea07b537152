# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays as TensorProto messages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._base.wire import (
    Buffer,
    bytes_field,
    bytes_field_of_parts,
    number_field,
)
from tfnative.errors import InvalidArgumentError
from tfnative.serving.tensors.data_types import DATA_TYPES, DT_STRING
from tfnative.serving.tensors.fields import (
    CONTENT,
    DIM,
    DIM_SIZE,
    DTYPE,
    SHAPE,
    STRINGS,
)


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
        strings = [bytes_field(STRINGS, item) for item in _as_strings(array)]
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
    return [head, *bytes_field_of_parts(CONTENT, [content])]


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
        bytes_field(DIM, number_field(DIM_SIZE, size) if size else b"")
        for size in shape
    )
    return number_field(DTYPE, data_type) + bytes_field(SHAPE, dims)
