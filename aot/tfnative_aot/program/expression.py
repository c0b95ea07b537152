# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an element-wise kernel computes, as far as passes want to know.

An expression says how one element of the result comes from elements of the
arguments at the same place in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Element:
    """The element of an argument, which has the form of the result."""

    argument: int


@dataclass(frozen=True)
class Channel:
    """The element of an argument that holds one for each channel.

    Channels are the last dimension of the result.
    """

    argument: int


@dataclass(frozen=True)
class ChannelConstant:
    """The same, of a constant inside of the kernel: f32 as bytes."""

    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Scalar:
    """A number."""

    value: float


@dataclass(frozen=True)
class Apply:
    """An operation, by XLA's name: "add", "maximum" ..."""

    operation: str
    operands: tuple[Expression, ...]


Expression = Element | Channel | ChannelConstant | Scalar | Apply

OPERATIONS = frozenset(
    "add subtract multiply divide maximum minimum clamp negate exponential logistic "
    "tanh".split()
)
"""The operations that ``Apply`` may have."""
