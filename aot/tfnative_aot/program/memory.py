# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays in memory: their shapes, their places, and the blocks that these lie in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

DTYPE_BYTES = {
    "pred": 1, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "f16": 2, "bf16": 2, "s32": 4,
    "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8, "c64": 8, "c128": 16,
}  # fmt: skip
"""Bytes of an element, by XLA's name of its type."""


@dataclass(frozen=True)
class Shape:
    """An array's element type, sizes and memory order.

    Attributes:
        dtype: XLA's name: "f32", "s64", "pred" ...
        dims: Sizes, outermost first as in TensorFlow.
        minor_to_major: Dimension numbers, the one that varies fastest first.
    """

    dtype: str
    dims: tuple[int, ...]
    minor_to_major: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Number of elements."""
        count = 1
        for size in self.dims:
            count *= size
        return count

    @property
    def element_bytes(self) -> int:
        """Bytes of one element."""
        return DTYPE_BYTES[self.dtype]

    @property
    def strides(self) -> tuple[int, ...]:
        """Distance in elements between neighbours, per dimension."""
        strides = [0] * len(self.dims)
        step = 1
        for dim in self.minor_to_major:
            strides[dim] = step
            step *= self.dims[dim]
        return tuple(strides)

    @property
    def is_row_major(self) -> bool:
        """Whether the last dimension varies fastest, and so on."""
        return self.minor_to_major == tuple(reversed(range(len(self.dims))))

    def __str__(self) -> str:
        order = "" if self.is_row_major else f"{{{_commas(self.minor_to_major)}}}"
        return f"{self.dtype}[{_commas(self.dims)}]{order}"


@dataclass(frozen=True)
class Slice:
    """A range of bytes in a buffer allocation."""

    allocation: int
    offset: int
    size: int


NOWHERE = Slice(-1, 0, 0)
"""Of an array that is not in memory."""


@dataclass(frozen=True)
class Buffer:
    """An array in memory."""

    slice: Slice
    shape: Shape


@dataclass(frozen=True)
class Allocation:
    """A block of memory that buffers lie in.

    Attributes:
        index: Its number.
        size: Bytes.
        kind: "input" and "output" belong to the caller, "constant" is read-only
            data, "temp" lies in the workspace, "none" is never touched.
        position: Which input or output, or -1.
    """

    index: int
    size: int
    kind: Literal["input", "output", "constant", "temp", "none"]
    position: int = -1


@dataclass(frozen=True)
class Constant:
    """Bytes of a constant in the memory order that the steps expect."""

    shape: Shape
    data: bytes = field(repr=False)


def _commas(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))
