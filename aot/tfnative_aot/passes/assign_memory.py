# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Places the values of the workspace, so that those alive at once do not overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tfnative_aot.program import Program, accesses, walk

ALIGNMENT = 64
"""TFN_ALIGNMENT in abi.h."""


def assign_memory(program: Program) -> Program:
    """Chooses an offset for each allocation of kind "temp".

    An allocation is alive from the first step that touches it to the last. The
    largest ones are placed first, each at the lowest place that is free as long as
    it lives.
    """
    lives = _lives(program)
    groups = _share(lives, program.may_share)
    placed: list[_Life] = []
    offsets: dict[int, int] = {}
    for life in sorted(groups, key=lambda g: (-g.size, g.first, g.members)):
        life.offset = _lowest_place(life, placed)
        placed.append(life)
        offsets |= dict.fromkeys(life.members, life.offset)
    return replace(
        program,
        temp_offsets=offsets,
        temp_bytes=max((life.offset + life.size for life in placed), default=0),
    )


@dataclass
class _Life:
    """Allocations that share memory, and the steps from the first to the last use."""

    members: tuple[int, ...]
    size: int
    first: int
    last: int
    offset: int = 0

    def meets(self, other: _Life) -> bool:
        return self.first <= other.last and other.first <= self.last


def _lives(program: Program) -> dict[int, _Life]:
    size = {a.index: a.size for a in program.allocations if a.kind == "temp"}
    lives: dict[int, _Life] = {}

    def use(allocations: Iterable[int], time: int) -> None:
        for index in allocations:
            if index in size:
                aligned = -(-size[index] // ALIGNMENT) * ALIGNMENT
                life = lives.setdefault(index, _Life((index,), aligned, time, time))
                life.last = time

    for time, step in enumerate(program.steps):
        for inner in walk([step]):
            reads, writes = accesses(inner)
            use((s.allocation for s in (*reads, *writes)), time)
    use((s.allocation for s in program.output_slices), len(program.steps))
    return lives


def _share(lives: dict[int, _Life], pairs: frozenset[tuple[int, int]]) -> list[_Life]:
    """Lets a value begin where one of the same size ends, if both may share memory."""
    group = dict(lives)
    for before, after in sorted(pairs):
        a, b = group.get(before), group.get(after)
        if a is None or b is None or a is b:
            continue
        if a.size != b.size or a.last != b.first:
            continue
        joined = _Life(a.members + b.members, a.size, a.first, b.last)
        group |= dict.fromkeys(joined.members, joined)
    return list({id(life): life for life in group.values()}.values())


def _lowest_place(life: _Life, placed: Iterable[_Life]) -> int:
    offset = 0
    for other in sorted(placed, key=lambda p: p.offset):
        if other.meets(life) and other.offset < offset + life.size:
            offset = max(offset, other.offset + other.size)
    return offset
