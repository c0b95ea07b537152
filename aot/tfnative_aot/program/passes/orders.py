# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Orders of steps in which few values are alive at once.

To find the best one of all would take too long, so that these are good guesses, of
which ``order_steps`` takes the best. Each is the same for the same steps.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Schedule:
    """What there is to order. Steps have numbers, and values, too.

    Attributes:
        before: For each step, which steps have to run before it.
        values: For each step, which values it touches, each once.
        sizes: Bytes, by value.
        given: Values that are alive before the first step.
        kept: Values that are alive after the last step.
    """

    before: tuple[tuple[int, ...], ...]
    values: tuple[tuple[int, ...], ...]
    sizes: Mapping[int, int]
    given: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()

    @cached_property
    def after(self) -> tuple[tuple[int, ...], ...]:
        """For each step, which steps have to run after it."""
        found: list[list[int]] = [[] for _ in self.before]
        for step, needed in enumerate(self.before):
            for other in needed:
                found[other].append(step)
        return tuple(map(tuple, found))

    def backwards(self) -> Schedule:
        """The same seen from the end: the last step has number 0."""
        last = len(self.before) - 1
        return Schedule(
            tuple(tuple(last - s for s in steps) for steps in reversed(self.after)),
            tuple(reversed(self.values)),
            self.sizes,
            self.kept,
            self.given,
        )


Order = tuple[int, ...]
"""The numbers of all steps, each once."""


def depth_first(schedule: Schedule) -> Order:
    """Computes each operand to its end before it begins with the next one.

    It begins with the operand behind which most bytes are computed: while that one is
    computed, nothing waits for it yet.
    """
    behind: list[int] = []
    for step, needed in enumerate(schedule.before):
        own = sum(schedule.sizes[value] for value in schedule.values[step])
        behind.append(own + sum(behind[other] for other in needed))
    order: dict[int, None] = {}
    for root, successors in enumerate(schedule.after):
        if successors:
            continue
        stack = [root]
        while stack:
            step = stack[-1]
            missing = [s for s in schedule.before[step] if s not in order]
            if missing:
                stack.append(max(missing, key=lambda s: (behind[s], -s)))
            else:
                order.setdefault(stack.pop())
    return tuple(order)


def most_freed(schedule: Schedule) -> Order:
    """Takes, of the steps that could be next, always the one that frees most bytes.

    Where several free as much, it takes the one that came first.
    """
    return _ListScheduler(schedule).run()


def most_freed_from_the_end(schedule: Schedule) -> Order:
    """Likewise, but chooses the last step first, and then the one before it."""
    last = len(schedule.before) - 1
    backwards = most_freed(schedule.backwards())
    return tuple(last - step for step in reversed(backwards))


ORDERS: dict[str, Callable[[Schedule], Order]] = {
    "depth first": depth_first,
    "most freed": most_freed,
    "most freed, from the end": most_freed_from_the_end,
}
"""By the names that they have in program.json."""


class _ListScheduler:
    """What a step costs only falls as others run, so that a heap finds the least."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._alive = set(schedule.given)
        self._users: defaultdict[int, list[int]] = defaultdict(list)
        for step, values in enumerate(schedule.values):
            for value in values:
                self._users[value].append(step)
        self._left = Counter({v: len(users) for v, users in self._users.items()})
        self._waits_for = [len(set(needed)) for needed in schedule.before]
        self._done: dict[int, None] = {}
        self._heap: list[tuple[int, int]] = []

    def run(self) -> Order:
        for step, count in enumerate(self._waits_for):
            if count == 0:
                self._offer(step)
        while self._heap:
            _, step = heapq.heappop(self._heap)
            if step in self._done:
                continue
            self._done[step] = None
            changed = list(self._touch(step))
            for other in self._schedule.after[step]:
                self._waits_for[other] -= 1
                if self._waits_for[other] == 0:
                    self._offer(other)
            for value in changed:
                for other in self._users[value]:
                    if self._waits_for[other] == 0 and other not in self._done:
                        self._offer(other)
        return tuple(self._done)

    def _offer(self, step: int) -> None:
        heapq.heappush(self._heap, (self._growth(step), step))

    def _growth(self, step: int) -> int:
        """How many more bytes are alive after a step than before it."""
        growth = 0
        for value in self._schedule.values[step]:
            size = self._schedule.sizes[value]
            if value not in self._alive:
                growth += size
            if self._left[value] == 1 and value not in self._schedule.kept:
                growth -= size
        return growth

    def _touch(self, step: int) -> Iterator[int]:
        """Notes that a step has run; gives the values of which others cost less now."""
        for value in self._schedule.values[step]:
            self._left[value] -= 1
            if value not in self._alive or self._left[value] == 1:
                yield value
            self._alive.add(value)
