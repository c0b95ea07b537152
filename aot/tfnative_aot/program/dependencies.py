# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which steps have to stay behind which others.

Steps have no effects but those on memory, so that memory alone decides: a step stays
behind another if both touch the same byte and at least one of the two writes it. What
is nested in a step counts as the step's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from tfnative.errors import InternalError
from tfnative_aot.program.memory import Slice
from tfnative_aot.program.steps import Step
from tfnative_aot.program.traverse import accesses, walk


def touched(step: Step) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
    """What a step and those nested in it read and write, each slice once."""
    reads: dict[Slice, None] = {}
    writes: dict[Slice, None] = {}
    for inner in walk([step]):
        its_reads, its_writes = accesses(inner)
        reads |= dict.fromkeys(its_reads)
        writes |= dict.fromkeys(its_writes)
    return tuple(reads), tuple(writes)


def dependencies(steps: Sequence[Step]) -> tuple[tuple[int, ...], ...]:
    """For each step of a sequence, which ones before it have to run first.

    These are the numbers of steps that write what it reads (a true dependency), read
    what it writes (an anti-dependency), or write what it writes (an output dependency).
    """
    readers: defaultdict[int, list[tuple[int, Slice]]] = defaultdict(list)
    writers: defaultdict[int, list[tuple[int, Slice]]] = defaultdict(list)
    found = []
    for number, step in enumerate(steps):
        reads, writes = touched(step)
        before: set[int] = set()
        for place in reads:
            before |= _meeting(place, writers[place.allocation])
        for place in writes:
            before |= _meeting(place, writers[place.allocation])
            before |= _meeting(place, readers[place.allocation])
        found.append(tuple(sorted(before)))
        for place in reads:
            readers[place.allocation].append((number, place))
        for place in writes:
            writers[place.allocation].append((number, place))
    return tuple(found)


def check_order(steps: Sequence[Step], order: Sequence[int]) -> None:
    """Refuses an order in which a step would find other bytes than it does now.

    This follows who wrote each byte that a step reads or overwrites, before and after,
    and does not ask ``dependencies``, which may have been wrong. Where that is the same
    for all steps, so is what they leave in memory.

    Args:
        steps: In an order that is right.
        order: Their numbers in another one.

    Raises:
        InternalError: It is not an order of these steps, or changes what they compute.
    """
    if sorted(order) != list(range(len(steps))):
        raise InternalError("an order of steps lacks some, or has some twice")
    expected, got = _found(steps, range(len(steps))), _found(steps, order)
    for number, step in enumerate(steps):
        if got[number] != expected[number]:
            raise InternalError(
                f"step {step.source} was moved before one that it needs, or behind one "
                "that needs it"
            )


_Bytes = tuple[tuple[int, int, int], ...]
"""From which byte to which, and the step that wrote them; nothing for what none did."""


def _found(steps: Sequence[Step], order: Sequence[int]) -> dict[int, list[_Bytes]]:
    """For each step, who wrote what it touches before it begins."""
    memory: dict[int, _Bytes] = {}
    found = {}
    for number in order:
        reads, writes = touched(steps[number])
        found[number] = [_written_in(memory, place) for place in (*reads, *writes)]
        for place in writes:
            known = memory.get(place.allocation, ())
            memory[place.allocation] = _overwritten(known, place, number)
    return found


def _written_in(memory: dict[int, _Bytes], place: Slice) -> _Bytes:
    low, high = place.offset, place.offset + place.size
    known = memory.get(place.allocation, ())
    parts = ((max(low, a), min(high, b), who) for a, b, who in known)
    return tuple(part for part in parts if part[0] < part[1])


def _overwritten(known: _Bytes, place: Slice, number: int) -> _Bytes:
    low, high = place.offset, place.offset + place.size
    if not place.size:
        return known
    kept = [(low, high, number)]
    for begin, end, who in known:
        kept += [(begin, min(end, low), who), (max(begin, high), end, who)]
    pieces = sorted(piece for piece in kept if piece[0] < piece[1])
    joined = [pieces[0]]
    for before, piece in pairwise(pieces):
        if before[1:] == (piece[0], piece[2]):
            joined[-1] = (joined[-1][0], piece[1], piece[2])
        else:
            joined.append(piece)
    return tuple(joined)


def _meeting(place: Slice, others: Sequence[tuple[int, Slice]]) -> set[int]:
    """The numbers of those whose slices have a byte in common with ``place``."""
    low, high = place.offset, place.offset + place.size
    return {
        number
        for number, other in others
        if max(low, other.offset) < min(high, other.offset + other.size)
    }
