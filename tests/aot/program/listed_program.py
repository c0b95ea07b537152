# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A program that prints in a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Kernel, Step
from tfnative_aot.program.traverse import accesses, children


class ListedProgram(Program):
    """A program that hypothesis prints in a few lines."""

    def __repr__(self) -> str:
        return "\n".join(["Program:", *_listing(self.steps, "  ")])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def _listing(steps: Iterable[Step], indent: str) -> Iterator[str]:
    for step in steps:
        reads, writes = (
            [f"{s.allocation}[{s.offset}:{s.offset + s.size}]" for s in places]
            for places in accesses(step)
        )
        yield f"{indent}{step.source}: {' '.join(reads)} -> {' '.join(writes)}"
        if isinstance(step, Kernel) and step.expression is not None:
            yield f"{indent}  = {step.expression}"
        for nested in children(step):
            yield from _listing(nested, indent + "  ")
