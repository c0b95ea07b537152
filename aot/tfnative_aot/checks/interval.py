# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Bounds of integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray


@dataclass(frozen=True)
class Interval:
    """Integers from ``first`` to ``last``, both included."""

    first: int
    last: int

    def within(self, type_of: Interval) -> Interval:
        """It, or all of its type if it wraps around there."""
        return self if self.is_in(type_of.first, type_of.last) else type_of

    def is_in(self, first: int, last: int) -> bool:
        """Whether all of it lies between two numbers, both included."""
        return first <= self.first and self.last <= last

    def has(self, number: int) -> bool:
        """Whether a number may be in it."""
        return self.first <= number <= self.last


class Known(Protocol):
    """What is known of the tensors of a graph."""

    def interval(self, tensor: Any) -> Interval:
        """Bounds of a tensor's elements."""

    def intervals(self, tensors: Sequence[Any]) -> list[Interval]:
        """Bounds of several tensors."""

    def constant(self, tensor: Any) -> NDArray[Any] | None:
        """A tensor's value, if it does not depend on what is fed."""


def everything(dtype: Any) -> Interval:
    """All that an integer type holds; for other types, more than any integer."""
    if dtype.is_bool:
        return Interval(0, 1)
    if dtype.is_integer:
        return Interval(int(dtype.min), int(dtype.max))
    return Interval(-(2**70), 2**70)


def of_values(value: NDArray[Any]) -> Interval:
    """Of integers or truths that are known; of none of them, [0, 0]."""
    if value.size == 0:
        return Interval(0, 0)
    return Interval(int(value.min()), int(value.max()))


def union(intervals: list[Interval]) -> Interval:
    """The smallest interval that has all of some."""
    return Interval(
        min(each.first for each in intervals), max(each.last for each in intervals)
    )
