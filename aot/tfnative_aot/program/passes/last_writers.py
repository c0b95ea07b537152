# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which values the bytes of the workspace hold, as steps write them one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tfnative_aot.program.memory import Slice
from tfnative_aot.program.passes.lives import ALIGNMENT


@dataclass(eq=False)
class Value:
    """Bytes [low, high) of an allocation, from the step that writes them on."""

    allocation: int
    low: int
    high: int
    parent: Value | None = None
    new: int = -1

    def __post_init__(self) -> None:
        # Offsets in a value keep the alignment that they had.
        self.low = self.low // ALIGNMENT * ALIGNMENT

    def root(self) -> Value:
        """The value that stands for all that were joined with it."""
        value = self
        while value.parent is not None:
            value = value.parent
        return value


@dataclass
class Segment:
    """Bytes whose last writer is known, or is one of a few."""

    low: int
    high: int
    values: tuple[Value, ...]


class LastWriters:
    """The values that allocations hold now.

    Args:
        allocations: Those that are looked at.
    """

    def __init__(self, allocations: Iterable[int]) -> None:
        self._segments: dict[int, list[Segment]] = {i: [] for i in allocations}

    def read(self, place: Slice) -> Value:
        """The value of a slice: of all the writers of its bytes, joined."""
        low, high = place.offset, place.offset + place.size
        value = Value(place.allocation, low, high)
        covered = 0
        for segment in self.within(place):
            for writer in segment.values:
                join(value, writer)
            covered += segment.high - segment.low
        if covered < place.size:  # Bytes that nothing has written belong to it, too.
            self.replace(place.allocation, Segment(low, high, (value,)))
        return value

    def write(self, place: Slice) -> Value:
        """A value that begins in all bytes of a slice."""
        low, high = place.offset, place.offset + place.size
        value = Value(place.allocation, low, high)
        self.replace(place.allocation, Segment(low, high, (value,)))
        return value

    def within(self, place: Slice) -> list[Segment]:
        """The segments of a slice's bytes."""
        low, high = place.offset, place.offset + place.size
        return [
            Segment(max(low, s.low), min(high, s.high), s.values)
            for s in self._segments[place.allocation]
            if s.low < high and low < s.high
        ]

    def replace(self, allocation: int, new: Segment) -> None:
        """Makes ``new`` the last writer of its bytes."""
        kept = [new]
        for old in self._segments[allocation]:
            if old.low < new.low:
                kept.append(Segment(old.low, min(old.high, new.low), old.values))
            if old.high > new.high:
                kept.append(Segment(max(old.low, new.high), old.high, old.values))
        self._segments[allocation] = [s for s in kept if s.low < s.high]


def join(a: Value, b: Value) -> None:
    """Makes one value of two."""
    a, b = a.root(), b.root()
    if a is b:
        return
    a.parent = b
    b.low, b.high = min(a.low, b.low), max(a.high, b.high)
