# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Values of a TensorProto that are in the field of their type, one by one.

The extension module takes them from the message, packed or not. Here each is compared
with what its type can hold: protobuf's own classes would cut it without a word.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tfnative._core import tensor_fixed, tensor_varints
from tfnative.errors import InvalidArgumentError


class ValuesField(NamedTuple):
    """Where the values of a type are.

    Attributes:
        number: The field's.
        numbers_per_value: 2 for complex numbers.
        number_bytes: 4 or 8 where numbers have a fixed size; 0 for varints.
    """

    number: int
    numbers_per_value: int = 1
    number_bytes: int = 0


FIELDS = {
    "float32": ValuesField(5, 1, 4),
    "float64": ValuesField(6, 1, 8),
    "complex64": ValuesField(9, 2, 4),
    "complex128": ValuesField(12, 2, 8),
    "int32": ValuesField(7),
    "uint8": ValuesField(7),
    "int16": ValuesField(7),
    "int8": ValuesField(7),
    "uint16": ValuesField(7),
    "int64": ValuesField(10),
    "bool": ValuesField(11),
    "uint32": ValuesField(16),
    "uint64": ValuesField(17),
    "float16": ValuesField(13),
    "bfloat16": ValuesField(13),
}
"""By NumPy's names."""


def read_values(
    message: memoryview, name: str, dtype: np.dtype[Any], limit: int
) -> npt.NDArray[Any]:
    """All values of a message, in order.

    Args:
        message: A TensorProto.
        name: Of the type in ``FIELDS``.
        dtype: That of the array.
        limit: How many there may be.

    Raises:
        InvalidArgumentError: There are more, one is cut off, or one is none of the
            type's.
    """
    field = FIELDS[name]
    if field.number_bytes:
        numbers = limit * field.numbers_per_value
        raw = tensor_fixed(message, field.number, field.number_bytes, numbers)
        if raw.nbytes % dtype.itemsize:
            raise InvalidArgumentError("a value is cut off")
        values: npt.NDArray[Any] = raw.view(dtype.newbyteorder("<")).astype(dtype)
        return values
    bits = tensor_varints(message, field.number, limit)
    if dtype.kind == "b":
        return np.not_equal(bits, 0)
    if dtype.kind not in "iu":  # Those that are written as the bits of halves.
        halves: npt.NDArray[Any] = in_range(bits, np.dtype(np.uint16)).view(dtype)
        return halves
    if dtype.kind == "u" and dtype.itemsize >= 4:
        return in_range(bits, dtype)
    signed = bits.view(np.int64)
    if dtype.itemsize < 8:
        # Some writers leave the upper half of negative numbers of 32 bits out.
        is_cut = (signed >= 1 << 31) & (signed < 1 << 32)
        signed = np.where(is_cut, signed - (1 << 32), signed)
    return in_range(signed, dtype)


def in_range(found: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Whole numbers as those of a smaller type.

    Raises:
        InvalidArgumentError: It cannot hold one of them.
    """
    if found.size:
        bounds = np.iinfo(dtype)
        for value in (int(found.min()), int(found.max())):
            if not bounds.min <= value <= bounds.max:
                raise InvalidArgumentError(f"{dtype.name} cannot hold {value}")
    return found.astype(dtype)
