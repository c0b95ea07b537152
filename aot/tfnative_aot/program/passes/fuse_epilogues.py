# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Folds what follows a product or convolution into the kernel that computes it.

XLA makes an element-wise kernel of the bias, the residual and the activation that
follow. Where our kernels can do the same to sums that are still in registers, the
element-wise kernel and the buffer between the two go away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tfnative_aot.program.memory import Buffer, Slice
from tfnative_aot.program.passes.bias_pool import BiasPool
from tfnative_aot.program.passes.known_results import KnownResults
from tfnative_aot.program.passes.match_epilogue import Producer, match_epilogue
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    Convolution,
    Dot,
    Epilogue,
    Kernel,
    ReduceWindow,
    Step,
)
from tfnative_aot.program.traverse import accesses, walk


def fuse_epilogues(program: Program) -> Program:
    """Folds element-wise kernels into the kernels before them.

    Expects values in allocations of their own, see ``separate_values``. Only steps
    that are not nested in others are looked at.
    """
    return _Fuser(program).run()


class _Fuser:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._steps = list(program.steps)
        self._touched = [_touched(step) for step in program.steps]
        self._biases = BiasPool(program)
        self._may_share = set(program.may_share)
        self._known = KnownResults(program.steps)

    def run(self) -> Program:
        # From the end, since XLA computes sums again rather than read them: when what
        # follows a residual block no longer reads the sums inside of it, the block's
        # own kernel is their only reader.
        for position in reversed(range(len(self._steps))):
            if position >= len(self._steps):
                continue
            step = self._steps[position]
            takes = isinstance(step, Dot | Convolution) and _takes_epilogue(step)
            # When a reader was folded in, perhaps what follows it fits, too.
            while takes and self._fuse_next(position):
                pass
        return replace(
            self._program,
            steps=tuple(self._steps),
            allocations=tuple(self._biases.allocations),
            constants=self._biases.constants,
            may_share=frozenset(self._may_share),
        )

    def _fuse_next(self, position: int) -> bool:
        """Folds the reader of a step's result into it; False if that cannot be."""
        producer = self._steps[position]
        assert isinstance(producer, Dot | Convolution)
        found = self._only_reader(position, producer)
        if found is None:
            return False
        at, reader = found
        epilogue = match_epilogue(producer, reader, self._biases, self._known)
        out = reader.results[0]
        if epilogue is None or not self._may_move(position, at, epilogue, out.slice):
            return False
        self._steps[position] = replace(
            producer,
            source=producer.source.with_parts_of(reader.source),
            out=out,
            epilogue=epilogue,
        )
        self._note_sharing(self._steps[position], out.slice, epilogue.addend)
        self._touched[position] = _touched(self._steps[position])
        del self._steps[at], self._touched[at]
        return True

    def _note_sharing(self, fused: Step, out: Slice, addend: Buffer | None) -> None:
        """A fused step may overwrite its addend, but no longer the reader's operands.

        Nor the addend, if the step multiplies by it, too.
        """
        self._may_share = {p for p in self._may_share if p[1] != out.allocation}
        if addend is None:
            return
        place = addend.slice
        others = [s for s in accesses(fused)[0] if s.allocation == place.allocation]
        if len(others) == 1 and (place.offset, place.size) == (out.offset, out.size):
            self._may_share.add((place.allocation, out.allocation))

    def _only_reader(
        self, position: int, producer: Producer
    ) -> tuple[int, Kernel] | None:
        """The step that alone uses what the producer computes, if it is a kernel."""
        place = producer.out.slice
        users = [
            at
            for at, touched in enumerate(self._touched)
            if at != position and place.allocation in touched
        ]
        outside = any(s.allocation == place.allocation for s in self._outputs())
        at = next((user for user in users if user > position), None)
        reader = None if at is None else self._steps[at]
        if at is None or not isinstance(reader, Kernel) or reader.expression is None:
            return None
        # A reader that overwrites it leaves nothing of it to others.
        in_place = reader.results[0].slice == place
        later = [user for user in users if user > at]
        if later and self._overwrites(later[0], place):
            later, outside = [], False
        if not in_place and (outside or later):
            return None
        reads = {b.slice for b in reader.arguments}
        reads = {s for s in reads if s.allocation == place.allocation}
        return (at, reader) if reads == {place} else None

    def _overwrites(self, at: int, place: Slice) -> bool:
        """Whether a step overwrites all of ``place`` without having read it."""
        step = self._steps[at]
        if not isinstance(step, Dot | Convolution | ReduceWindow):
            return False
        reads, writes = accesses(step)
        read = any(s.allocation == place.allocation for s in reads)
        return place in writes and not read

    def _outputs(self) -> Sequence[Slice]:
        """Slices that the caller reads when all steps have run."""
        fixed = [
            Slice(a.index, 0, a.size)
            for a in self._program.allocations
            if a.kind == "output"
        ]
        return [*self._program.output_slices, *fixed]

    def _may_move(self, position: int, at: int, epilogue: Epilogue, out: Slice) -> bool:
        """Whether the step at ``position`` could do what the one at ``at`` does."""
        producer = self._steps[position]
        assert isinstance(producer, Dot | Convolution)
        addend = epilogue.addend
        is_new = addend is not None and producer.epilogue.addend is None
        if is_new and addend and self._is_late(position, at, addend.slice):
            return False
        if any(
            out.allocation in touched for touched in self._touched[position + 1 : at]
        ):
            return False
        operands = {producer.lhs.slice.allocation, producer.rhs.slice.allocation}
        return out.allocation not in operands

    def _is_late(self, position: int, at: int, addend: Slice) -> bool:
        """Whether an addend is not there yet when the step at ``position`` runs.

        One that the reader itself does not read may be written even after the reader.
        """
        is_operand = addend in accesses(self._steps[at])[0]
        later = self._steps[position + 1 : at if is_operand else None]
        return any(
            place.allocation == addend.allocation
            for step in walk(later)
            for place in accesses(step)[1]
        )


def _takes_epilogue(step: Producer) -> bool:
    if isinstance(step, Convolution):
        return step.kernel != "any"
    dense = (step.out_matrix.col_stride == 1 or step.n == 1) and (
        step.out_matrix.row_stride == step.n or step.m == 1
    )
    return step.packed and dense


def _touched(step: Step) -> frozenset[int]:
    """The allocations that a step and what is nested in it touch."""
    return frozenset(
        s.allocation
        for inner in walk([step])
        for sequence in accesses(inner)
        for s in sequence
    )
