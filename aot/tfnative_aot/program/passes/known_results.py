# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where the values of expressions are in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from tfnative_aot.program.expression import Apply, Channel, Element, Expression
from tfnative_aot.program.memory import Buffer
from tfnative_aot.program.steps import Kernel, Step
from tfnative_aot.program.traverse import accesses, walk

_Key = tuple[Any, ...]
"""An expression over memory: equal for what computes the same of the same."""


class _Result(NamedTuple):
    """What a step has computed, and from which allocations."""

    step: int
    out: Buffer
    memory: frozenset[int]


class KnownResults:
    """The results of a program's element-wise kernels.

    Args:
        steps: The program, before any step is moved or dropped.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._order = {id(step): number for number, step in enumerate(steps)}
        self._writes: defaultdict[int, list[int]] = defaultdict(list)
        self._known: defaultdict[_Key, list[_Result]] = defaultdict(list)
        for number, step in enumerate(steps):
            for inner in walk([step]):
                for place in accesses(inner)[1]:
                    self._writes[place.allocation].append(number)
            if not isinstance(step, Kernel) or step.expression is None:
                continue
            out = step.results[0]
            memory = frozenset(b.slice.allocation for b in step.arguments)
            if out.slice.allocation not in memory:
                key = _key(step.expression, step.arguments)
                self._known[key].append(_Result(number, out, memory))

    def find(self, e: Expression, reader: Kernel) -> Buffer | None:
        """Where the value of an expression over a kernel's arguments is.

        It is there when the kernel runs, and was so since a step before it computed it.
        """
        now = self._order[id(reader)]
        for result in self._known.get(_key(e, reader.arguments), ()):
            memory = result.memory | {result.out.slice.allocation}
            unchanged = not any(
                result.step < written < now
                for allocation in memory
                for written in self._writes[allocation]
            )
            if result.step < now and unchanged:
                return result.out
        return None


def _key(e: Expression, arguments: Sequence[Buffer]) -> _Key:
    if isinstance(e, Apply):
        operands = [_key(operand, arguments) for operand in e.operands]
        if e.operation in ("add", "multiply", "maximum", "minimum"):
            operands.sort(key=repr)
        return (e.operation, *operands)
    if isinstance(e, Element | Channel):
        return (type(e).__name__, arguments[e.argument].slice)
    return (e,)
