# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays as TensorProto messages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._base.arrays import converted
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

_MADE_KINDS = "iufc"
"""Of numbers that are made what a signature says, where no array says what they are."""


def encode_tensor(
    value: npt.ArrayLike, dtype: np.dtype[Any] | None = None
) -> list[Buffer]:
    """A TensorProto, in parts to be joined. Numbers are not copied.

    Args:
        value: An array; or numbers, bool, bytes, str, or sequences of them. Strings are
            arrays of bytes or str (as UTF-8).
        dtype: What the model takes, and what numbers become that are no array; None
            if that is not known: then Python's float becomes float32 and int int64.

    Raises:
        InvalidArgumentError: It is no such thing, or a number is out of range.
    """
    array = as_array(value, dtype)
    if dtype is None and not isinstance(value, np.ndarray | np.generic):
        array = _narrowed(array)
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


def as_array(
    value: npt.ArrayLike, dtype: np.dtype[Any] | None = None
) -> npt.NDArray[Any]:
    """An array as it is; numbers of other values as a dtype, or as NumPy has them.

    Raises:
        InvalidArgumentError: The value is no array, or not one of the dtype.
    """
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
    if dtype is None or found.dtype.kind not in _MADE_KINDS or dtype.kind in "bO":
        return found
    return converted(found, dtype, type(value).__name__)


def _narrowed(found: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Floats of which nobody says what they are, as most models take them.

    Raises:
        InvalidArgumentError: One of them would become infinite.
    """
    if found.dtype != np.float64:
        return found
    try:
        return converted(found, np.dtype(np.float32), "numbers without a dtype")
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{error}: give an array of float64") from None


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
