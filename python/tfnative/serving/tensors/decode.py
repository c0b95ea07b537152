# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorProto messages as arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._base.wire import read_fields
from tfnative.errors import InvalidArgumentError, UnimplementedError
from tfnative.serving.tensors.data_types import DT_STRING, NAMES, data_type_dtype
from tfnative.serving.tensors.fields import (
    CONTENT,
    DIM,
    DIM_SIZE,
    DTYPE,
    SHAPE,
    STRINGS,
    UNKNOWN_RANK,
)

_MAX_BYTES = 1 << 31
"""No message is larger; nor need a tensor be that repeats one value."""


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
        if number == DTYPE and isinstance(value, int):
            data_type = value
        elif number == SHAPE and isinstance(value, memoryview):
            try:
                shape = _read_shape(bytes(value))
            except InvalidArgumentError as error:
                raise InvalidArgumentError(f"{where}: {error}") from None
        elif number == CONTENT and isinstance(value, memoryview):
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
        if number == DIM and isinstance(value, memoryview):
            size = dict(read_fields(value)).get(DIM_SIZE, 0)
            if not isinstance(size, int) or size >= 1 << 63:
                raise InvalidArgumentError("a size is unknown")
            sizes.append(size)
        elif number == UNKNOWN_RANK and value:
            raise InvalidArgumentError("the rank is unknown")
    return tuple(sizes)


def _strings(
    values: Sequence[tuple[int, int | memoryview]], count: int, where: str
) -> npt.NDArray[np.object_]:
    items = [bytes(v) for number, v in values if number == STRINGS]
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
    name = NAMES[data_type]
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
