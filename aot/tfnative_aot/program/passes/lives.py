# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How long the values of the workspace live, and how many bytes do so at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tfnative_aot.program.program import Program
from tfnative_aot.program.traverse import accesses, walk

ALIGNMENT = 64
"""TFN_ALIGNMENT in abi.h."""


@dataclass
class Life:
    """Allocations that share memory, and the steps from the first to the last use.

    Attributes:
        members: Their indices, in the order in which they follow each other.
        size: Bytes that they take, with what aligns what is behind them.
        first: Place of a step among those that are not nested.
        last: Likewise; the number of all steps for what is read after them.
    """

    members: tuple[int, ...]
    size: int
    first: int
    last: int

    @property
    def area(self) -> int:
        """Bytes times steps."""
        return self.size * (self.last - self.first + 1)

    def meets(self, other: Life) -> bool:
        """Whether both are alive at once."""
        return self.first <= other.last and other.first <= self.last


def lives(program: Program) -> list[Life]:
    """The lives of all allocations of kind "temp" that a step touches.

    An allocation is alive from the first step that touches it to the last. Where one
    may begin in the memory of another that ends at the same step, they are one life.
    """
    return _share(single_lives(program), program.may_share)


def live_bytes(program_lives: Sequence[Life], steps: int) -> list[int]:
    """Bytes that are alive at each of so many steps, and after the last of them."""
    changes = [0] * (steps + 2)
    for life in program_lives:
        changes[life.first] += life.size
        changes[life.last + 1] -= life.size
    return list(accumulate(changes[:-1]))


def single_lives(program: Program) -> dict[int, Life]:
    """The life of each allocation by itself."""
    size = {a.index: a.size for a in program.allocations if a.kind == "temp"}
    found: dict[int, Life] = {}

    def use(allocations: Iterable[int], time: int) -> None:
        for index in allocations:
            if index in size:
                life = found.setdefault(
                    index, Life((index,), aligned(size[index]), time, time)
                )
                life.last = time

    for time, step in enumerate(program.steps):
        for inner in walk([step]):
            reads, writes = accesses(inner)
            use((s.allocation for s in (*reads, *writes)), time)
    use((s.allocation for s in program.output_slices), len(program.steps))
    return found


def aligned(size: int) -> int:
    """So many bytes, and what is between them and the next place for a value."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _share(single: dict[int, Life], pairs: frozenset[tuple[int, int]]) -> list[Life]:
    """Lets a value begin where one of the same size ends, if both may share memory."""
    group = dict(single)
    for before, after in sorted(pairs):
        a, b = group.get(before), group.get(after)
        if a is None or b is None or a is b:
            continue
        if a.size != b.size or a.last != b.first:
            continue
        joined = Life(a.members + b.members, a.size, a.first, b.last)
        group |= dict.fromkeys(joined.members, joined)
    return list({id(life): life for life in group.values()}.values())
