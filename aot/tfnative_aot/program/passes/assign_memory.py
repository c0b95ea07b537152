# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Places the values of the workspace, so that those alive at once do not overlap."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tfnative_aot.program.passes.lives import Life, lives
from tfnative_aot.program.program import Program


def assign_memory(program: Program) -> Program:
    """Chooses an offset for each allocation of kind "temp".

    An allocation is alive from the first step that touches it to the last. They are
    placed one by one, each at the lowest place that is free as long as it lives, in
    several orders, of which the one that takes the least memory is kept.
    """
    groups = lives(program)
    plans = [_place(sorted(groups, key=order)) for order in _ORDERS]
    best = min(plans, key=_bytes)
    return replace(
        program,
        temp_offsets={i: p.offset for p in best for i in p.life.members},
        temp_bytes=_bytes(best),
    )


_ORDERS: tuple[Callable[[Life], tuple[int, ...]], ...] = (
    lambda life: (-life.size, life.first, *life.members),
    lambda life: (-life.area, life.first, *life.members),
    lambda life: (life.first, -life.size, *life.members),
    lambda life: (-life.last, -life.size, *life.members),
    lambda life: (life.first - life.last, -life.size, *life.members),
)


@dataclass(frozen=True)
class _Placed:
    life: Life
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.life.size


def _place(lives: Iterable[Life]) -> list[_Placed]:
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
