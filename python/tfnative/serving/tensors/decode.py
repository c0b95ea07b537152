# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorProto messages as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._core import tensor_strings
from tfnative.errors import InvalidArgumentError, UnimplementedError
from tfnative.serving.tensors.data_types import DT_STRING, NAMES
from tfnative.serving.tensors.declaration import Declaration, read_declaration
from tfnative.serving.tensors.fields import STRINGS
from tfnative.serving.tensors.values import read_values

_MAX_BYTES = 1 << 31
"""No message is larger; nor need a tensor be that repeats one value."""


def decode_tensor(message: memoryview, where: str) -> npt.NDArray[Any]:
    """The array of a TensorProto: a new one, which may be written to.

    Args:
        message: As it is on the wire.
        where: What it belongs to, for messages.

    Raises:
        InvalidArgumentError: It is not well formed, has another number of elements
            than its shape says, or values that its type cannot hold.
        UnimplementedError: It has elements that NumPy cannot have.
    """
    try:
        declared = read_declaration(message)
        if declared.nbytes > _MAX_BYTES:
            raise InvalidArgumentError(
                f"{declared.dtype.name} {declared.shape} is too large"
            )
        return decode_declared(declared)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{where}: {error}") from None
    except UnimplementedError as error:
        raise UnimplementedError(f"{where}: {error}") from None


def decode_declared(declared: Declaration) -> npt.NDArray[Any]:
    """Likewise, of a message that was found to be well formed and not too large.

    Raises:
        InvalidArgumentError: There are other values than were declared.
    """
    count, dtype, shape = declared.element_count, declared.dtype, declared.shape
    if declared.data_type == DT_STRING:
        items = tensor_strings(declared.message, STRINGS, count)
        return _filled(items, count, b"").reshape(shape)
    content = declared.content
    if len(content) > 0:
        if len(content) != count * dtype.itemsize:
            raise InvalidArgumentError(
                f"expected {count * dtype.itemsize} bytes for {dtype.name}"
                f" {shape}, got {len(content)}"
            )
        little = np.frombuffer(content, dtype.newbyteorder("<"))
        return little.astype(dtype).reshape(shape)
    name = NAMES[declared.data_type]
    found = read_values(declared.message, name, dtype, count)
    return _filled(found, count, 0).reshape(shape)


def _filled(items: npt.NDArray[Any], count: int, default: object) -> npt.NDArray[Any]:
    """As TensorFlow fills tensors: with the last value, or zeros if there is none."""
    if len(items) == count:
        return items
    filled = np.empty(count, items.dtype)
    filled[: len(items)] = items
    filled[len(items) :] = items[-1] if len(items) else default
    return filled
