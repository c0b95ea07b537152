# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a TensorProto says of itself, before memory is taken for it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfnative._core import tensor_head
from tfnative.errors import InvalidArgumentError
from tfnative.serving.tensors.data_types import (
    DT_STRING,
    NAMES,
    data_type_dtype,
    data_type_name,
)
from tfnative.serving.tensors.fields import STRINGS, VALUES
from tfnative.serving.tensors.values import FIELDS

MAX_RANK = 64 if int(np.__version__.split(".", maxsplit=1)[0]) >= 2 else 32
"""How many dimensions NumPy's arrays can have."""


class Declaration(NamedTuple):
    """A tensor in a message.

    Attributes:
        message: All of it.
        data_type: Its tensorflow.DataType.
        dtype: That of its array.
        shape: Its sizes.
        content: Where its elements are, if they are in one piece; else empty.
    """

    message: memoryview
    data_type: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    content: memoryview

    @property
    def element_count(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How much memory its array takes; of strings, what points to them.

        A size of 0 counts as 1: NumPy cannot have other sizes that overflow beside it.
        """
        return math.prod(max(size, 1) for size in self.shape) * self.dtype.itemsize


def read_declaration(message: memoryview) -> Declaration:
    """What a TensorProto declares. Costs no memory, and does not look at values.

    Raises:
        InvalidArgumentError: It is not well formed; a size is unknown or negative, or
            there are more than NumPy can have; or values are in a field that is not
            that of the declared type.
        UnimplementedError: It has elements that NumPy cannot have.
    """
    number, shape, begin, end, fields = tensor_head(message)
    if shape is None:
        raise InvalidArgumentError("the rank is unknown")
    if len(shape) > MAX_RANK:
        raise InvalidArgumentError(
            f"expected at most {MAX_RANK} dimensions, got {len(shape)}"
        )
    if any(size < 0 for size in shape):
        raise InvalidArgumentError(f"a size is unknown or negative: {shape}")
    dtype = data_type_dtype(number)
    if fields:
        _check_fields(number, fields, has_content=end > begin)
    elif number == DT_STRING and end > begin:
        raise InvalidArgumentError("tensor_content cannot have strings")
    return Declaration(message, number, dtype, shape, message[begin:end])


def _check_fields(number: int, fields: set[int], *, has_content: bool) -> None:
    """Values that nobody would read must not become zeros in silence."""
    own = STRINGS if number == DT_STRING else FIELDS[NAMES[number]].number
    others = sorted(field for field in fields if field in VALUES and field != own)
    if others:
        raise InvalidArgumentError(
            f"there are values in {VALUES[others[0]]}, but those of"
            f" {data_type_name(number)} belong into {VALUES[own]}"
        )
    if has_content and own in fields:
        raise InvalidArgumentError(
            f"there are values in both tensor_content and {VALUES[own]}"
        )
