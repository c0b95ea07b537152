# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Places the values of the workspace, so that those alive at once do not overlap."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tfnative_aot.program.program import Program
from tfnative_aot.program.traverse import accesses, walk

ALIGNMENT = 64
"""TFN_ALIGNMENT in abi.h."""


def assign_memory(program: Program) -> Program:
    """Chooses an offset for each allocation of kind "temp".

    An allocation is alive from the first step that touches it to the last. They are
    placed one by one, each at the lowest place that is free as long as it lives, in
    several orders, of which the one that takes the least memory is kept.
    """
    groups = _share(_lives(program), program.may_share)
    plans = [_place(sorted(groups, key=order)) for order in _ORDERS]
    best = min(plans, key=_bytes)
    return replace(
        program,
        temp_offsets={i: p.offset for p in best for i in p.life.members},
        temp_bytes=_bytes(best),
    )


@dataclass
class _Life:
    """Allocations that share memory, and the steps from the first to the last use."""

    members: tuple[int, ...]
    size: int
    first: int
    last: int

    @property
    def area(self) -> int:
        """Bytes times steps."""
        return self.size * (self.last - self.first + 1)

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


_ORDERS: tuple[Callable[[_Life], tuple[int, ...]], ...] = (
    lambda life: (-life.size, life.first, *life.members),
    lambda life: (-life.area, life.first, *life.members),
    lambda life: (life.first, -life.size, *life.members),
    lambda life: (-life.last, -life.size, *life.members),
    lambda life: (life.first - life.last, -life.size, *life.members),
)


@dataclass(frozen=True)
class _Placed:
    life: _Life
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.life.size


def _place(lives: Iterable[_Life]) -> list[_Placed]:
    placed: list[_Placed] = []  # By offset.
    for life in lives:
        offset = 0
        for other in placed:
            if other.offset >= offset + life.size:
                break
            if other.life.meets(life):
                offset = max(offset, other.end)
        insort(placed, _Placed(life, offset), key=lambda p: p.offset)
    return placed


def _bytes(placed: Iterable[_Placed]) -> int:
    return max((p.end for p in placed), default=0)
