# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Places values in one temp allocation, as XLA's buffer assignment does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tfnative_aot.program.memory import Allocation, Slice
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Step
from tfnative_aot.program.traverse import accesses, children, map_slices, walk

ALIGNMENT = 64


def place_like_xla(program: Program, *, by_size: bool, reuse_outputs: bool) -> Program:
    """Moves all temp allocations into one, where they overlap if they may.

    Args:
        program: Each of its temp allocations holds one value, and its successors that
            are computed in place.
        by_size: Place large values first, and otherwise in the order of steps.
        reuse_outputs: Whether outputs' allocations hold other values before.
    """
    lives = _lives(program)
    temp = len(program.allocations)
    values = [a.index for a in program.allocations if a.kind == "temp"]
    values = [index for index in values if index in lives]
    size = {a.index: a.size for a in program.allocations}
    values.sort(key=lambda i: (-size[i] if by_size else 0, lives[i].first))
    outputs = [a.index for a in program.allocations if a.kind == "output"]
    residents: dict[int, list[_Life]] = {
        index: [lives[index]] for index in outputs if index in lives
    }
    placed: list[tuple[_Life, int, int]] = []
    home: dict[int, tuple[int, int]] = {}
    for index in values:
        life = lives[index]
        host = _host(life, size[index], residents, size) if reuse_outputs else None
        if host is not None:
            residents[host].append(life)
            home[index] = (host, 0)
            continue
        offset = _lowest(life, size[index], placed)
        placed.append((life, offset, size[index]))
        home[index] = (temp, offset)

    def move(place: Slice) -> Slice:
        if place.allocation not in home:
            return place
        allocation, offset = home[place.allocation]
        return Slice(allocation, offset + place.offset, place.size)

    total = max((offset + size for _, offset, size in placed), default=0)
    return replace(
        program,
        steps=tuple(map_slices(step, move, move) for step in program.steps),
        output_slices=tuple(move(s) for s in program.output_slices),
        allocations=(
            *(
                replace(a, kind="none") if a.kind == "temp" else a
                for a in program.allocations
            ),
            Allocation(temp, total, "temp"),
        ),
    )


@dataclass
class _Life:
    first: int
    last: int

    def meets(self, other: _Life) -> bool:
        return self.first <= other.last and other.first <= self.last


def _lives(program: Program) -> dict[int, _Life]:
    """From the first to the last touch, counting nested steps one by one."""
    lives: dict[int, _Life] = {}
    clock = 0

    def touch(index: int, start: int, end: int) -> None:
        life = lives.setdefault(index, _Life(start, end))
        life.last = max(life.last, end)

    def visit(steps: Iterable[Step]) -> None:
        nonlocal clock
        for step in steps:
            start = clock
            clock += 1
            for nested in children(step):
                visit(nested)
            # What comes from outside stays alive until the last repetition.
            outside = {
                s.allocation
                for inner in walk([step])
                for sequence in accesses(inner)
                for s in sequence
                if s.allocation in lives and lives[s.allocation].first < start
            }
            for index in outside:
                touch(index, start, clock)
            for sequence in accesses(step):
                for s in sequence:
                    touch(s.allocation, start, clock)
            clock += 1

    visit(program.steps)
    for place in program.output_slices:
        touch(place.allocation, clock, clock)
    for allocation in program.allocations:
        if allocation.kind == "output" and allocation.index in lives:
            lives[allocation.index].last = clock
    return lives


def _host(
    life: _Life, size: int, residents: dict[int, list[_Life]], sizes: dict[int, int]
) -> int | None:
    """An output's allocation that is free as long as a value lives."""
    for index, others in residents.items():
        if sizes[index] >= size and not any(life.meets(other) for other in others):
            return index
    return None


def _lowest(life: _Life, size: int, placed: list[tuple[_Life, int, int]]) -> int:
    offset = 0
    for other, start, length in sorted(placed, key=lambda p: p[1]):
        if life.meets(other) and start < offset + size:
            end = -(-(start + length) // ALIGNMENT) * ALIGNMENT
            offset = max(offset, end)
    return offset
