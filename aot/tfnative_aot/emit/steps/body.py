# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the C of all steps is made with: lines, pointers, and room for scratch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tfnative_aot.emit.names import run_function
from tfnative_aot.emit.steps.scratch import scratch_of
from tfnative_aot.emit.weights import WeightPool
from tfnative_aot.program.memory import Buffer, Slice
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Step


class Body:
    """The body of a program's function, as far as it is written.

    Args:
        program: The program.
        weights: Where its constants are.
        emit_step: Adds a step, indented as deep as it is told to.

    Attributes:
        lines: What is written.
        scratch: What steps need scratch for, in C: as many bytes each.
        step_number: Of the step that was begun last, from 1 on.
    """

    def __init__(
        self,
        program: Program,
        weights: WeightPool,
        emit_step: Callable[[Body, Step, int], None],
    ) -> None:
        self._program = program
        self._weights = weights
        self._emit_step = emit_step
        self.lines: list[str] = []
        self.scratch: list[str] = []
        self.step_number = 0

    @property
    def thread_bytes(self) -> str:
        """The name of what a thread needs for its share of a step."""
        return f"{run_function(self._program)}_thread_bytes"

    def sequence(self, steps: Sequence[Step], depth: int) -> None:
        """Adds steps, one after the other."""
        for step in steps:
            self.step_number += 1
            comment = f"{self.step_number} {step.source}".replace("*/", "* /")
            self.line(depth, f"/* {comment} */")
            self.line(depth, f"TFN_STEP({self.step_number});")
            scratch = scratch_of(step)
            if scratch is not None:
                self.scratch.append(scratch.text)
            self._emit_step(self, step, depth)

    def line(self, depth: int, text: str) -> None:
        """Adds a line."""
        self.lines.append("  " * depth + text)

    def call_with_parameters(
        self,
        struct: str,
        fields: Sequence[str],
        function: str,
        operands: Sequence[str],
        depth: int,
    ) -> None:
        """Adds a block with a constant parameter struct and a call that takes it."""
        self.line(depth, "{")
        self.line(depth + 1, f"static const {struct} p = {{")
        for field in fields:
            self.line(depth + 3, field)
        self.line(depth + 1, "};")
        self.line(depth + 1, f"{function}(&p, {', '.join(operands)});")
        self.line(depth, "}")

    def buffer(self, buffer: Buffer) -> str:
        """A pointer to an array."""
        return self.pointer(buffer.slice)

    def pointer(self, place: Slice) -> str:
        """A pointer to a slice."""
        allocation = self._program.allocations[place.allocation]
        if allocation.kind == "input":
            return f"IN({allocation.position}, {place.offset})"
        if allocation.kind == "output":
            return f"OUT({allocation.position}, {place.offset})"
        if allocation.kind == "constant":
            base = self._weights.offset(self._program, place.allocation)
            return f"CONST({base + place.offset})"
        return f"TEMP({self._program.temp_offsets[place.allocation] + place.offset})"
