# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which bytes steps take from what was before them, and which they overwrite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tfnative_aot.program.memory import Slice
from tfnative_aot.program.steps import Call, Conditional, Step, While
from tfnative_aot.program.traverse import accesses


@dataclass
class ByteSet:
    """Bytes of allocations."""

    _ranges: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, place: Slice) -> None:
        """Adds all bytes of a slice."""
        low, high = place.offset, place.offset + place.size
        kept = []
        for start, end in self._ranges.get(place.allocation, []):
            if start <= high and low <= end:
                low, high = min(low, start), max(high, end)
            else:
                kept.append((start, end))
        self._ranges[place.allocation] = sorted([*kept, (low, high)])

    def inside(self, place: Slice) -> list[Slice]:
        """The parts of a slice that are in the set."""
        low, high = place.offset, place.offset + place.size
        return [
            Slice(place.allocation, max(low, start), min(high, end) - max(low, start))
            for start, end in self._ranges.get(place.allocation, [])
            if start < high and low < end
        ]

    def outside(self, place: Slice) -> list[Slice]:
        """The parts of a slice that are not."""
        parts = []
        low, high = place.offset, place.offset + place.size
        for part in [*self.inside(place), Slice(place.allocation, high, 0)]:
            if part.offset > low:
                parts.append(Slice(place.allocation, low, part.offset - low))
            low = part.offset + part.size
        return parts

    def copy(self) -> ByteSet:
        """The same bytes, in a set of its own."""
        return ByteSet({index: list(ranges) for index, ranges in self._ranges.items()})


@dataclass
class Flow:
    """What a sequence of steps does with memory.

    Attributes:
        exposed: Bytes that may be read before a step of the sequence has written them.
        written: Bytes that are written, whatever happens.
    """

    exposed: ByteSet = field(default_factory=ByteSet)
    written: ByteSet = field(default_factory=ByteSet)

    def run(self, steps: Iterable[Step]) -> Flow:
        """Adds what ``steps`` do."""
        for step in steps:
            self._add(step)
        return self

    def _maybe(self, steps: Iterable[Step]) -> None:
        """Adds what steps do that may not run at all."""
        Flow(self.exposed, self.written.copy()).run(steps)

    def _add(self, step: Step) -> None:
        if isinstance(step, Call):
            self.run(step.steps)
        elif isinstance(step, While):
            if step.trip_count is None:
                self.run(step.condition)
                self._read(step.condition_buffer)
            if step.trip_count:
                self.run(step.body)
            elif step.trip_count is None:
                self._maybe(step.body)
        else:
            reads, writes = accesses(step)
            for place in reads:
                self._read(place)
            for place in writes:
                self.written.add(place)
            if isinstance(step, Conditional):
                for branch in step.branches:
                    self._maybe(branch)

    def _read(self, place: Slice) -> None:
        for part in self.written.outside(place):
            self.exposed.add(part)
