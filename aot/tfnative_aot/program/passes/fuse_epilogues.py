# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Folds what follows a product or convolution into the kernel that computes it.

XLA makes an element-wise kernel of the bias, the residual and the activation that
follow. Where our kernels can do the same to sums that are still in registers, the
element-wise kernel and the buffer between the two go away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tfnative_aot.program.expression import (
    Apply,
    Channel,
    ChannelConstant,
    Element,
    Expression,
    Scalar,
)
from tfnative_aot.program.memory import Allocation, Buffer, Constant, Shape, Slice
from tfnative_aot.program.passes.known_results import KnownResults
from tfnative_aot.program.passes.packing import PANEL
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    NO_EPILOGUE,
    Activation,
    Convolution,
    Dot,
    Epilogue,
    Kernel,
    ReduceWindow,
    Step,
)
from tfnative_aot.program.traverse import accesses, walk

Producer = Dot | Convolution


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
        self._allocations = list(program.allocations)
        self._constants = dict(program.constants)
        self._biases: dict[bytes, Buffer] = {}
        self._may_share = set(program.may_share)
        self.known = KnownResults(program.steps)

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
            allocations=tuple(self._allocations),
            constants=self._constants,
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
        epilogue = self._epilogue(producer, reader)
        out = reader.results[0]
        if epilogue is None or not self._may_move(position, at, epilogue, out.slice):
            return False
        self._steps[position] = replace(producer, out=out, epilogue=epilogue)
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

    # --- What the reader computes ---------------------------------------------

    def _epilogue(self, producer: Producer, reader: Kernel) -> Epilogue | None:
        assert reader.expression is not None
        shape = reader.results[0].shape
        if shape.elements != producer.out.shape.elements or not shape.is_row_major:
            return None
        try:
            return _Matcher(self, producer, reader).match(reader.expression)
        except _OtherError:
            return None

    def bias(self, argument: Buffer | bytes) -> Buffer | None:
        """A constant with room after its end, from one; None if it is not constant."""
        if isinstance(argument, Buffer):
            constant = self._constants.get(argument.slice.allocation)
            if constant is None or len(constant.data) != argument.slice.size:
                return None
            argument = constant.data
        if argument not in self._biases:
            padded = np.zeros(len(argument) // 4 + PANEL, np.float32)
            padded[:-PANEL] = np.frombuffer(argument, np.float32)
            index = len(self._allocations)
            self._allocations.append(Allocation(index, padded.nbytes, "constant"))
            shape = Shape("f32", padded.shape, (0,))
            self._constants[index] = Constant(shape, padded.tobytes())
            self._biases[argument] = Buffer(Slice(index, 0, padded.nbytes), shape)
        return self._biases[argument]


class _OtherError(Exception):
    """The expression is no epilogue."""


class _Matcher:
    """Brings an expression over a producer's result into the form of an epilogue."""

    def __init__(self, fuser: _Fuser, producer: Producer, reader: Kernel) -> None:
        self._fuser = fuser
        self._producer = producer
        self._reader = reader

    def match(self, e: Expression) -> Epilogue:
        """The epilogue that computes ``e``.

        Raises:
            _OtherError: There is none.
        """
        if isinstance(e, Element) and self._is_sum(e):
            return self._producer.epilogue
        if not isinstance(e, Apply):
            raise _OtherError
        if activated := _activation(e):
            name, inside = activated
            before = self.match(inside)
            if before.activation != "linear":
                raise _OtherError
            return replace(before, activation=name)
        if e.operation == "add":
            return self._add(e)
        if e.operation in ("maximum", "minimum", "clamp"):
            return self._clamp(e)
        raise _OtherError

    def _is_sum(self, e: Element) -> bool:
        buffer = self._reader.arguments[e.argument]
        return buffer.slice == self._producer.out.slice

    def _has_sum(self, e: Expression) -> bool:
        if isinstance(e, Apply):
            return any(self._has_sum(operand) for operand in e.operands)
        return isinstance(e, Element) and self._is_sum(e)

    def _split(self, e: Apply) -> tuple[Epilogue, Expression]:
        """The operand with the sum, matched, and the other one of two."""
        first, second = e.operands
        if self._has_sum(second):
            first, second = second, first
        if self._has_sum(second):
            raise _OtherError
        return self.match(first), second

    def _add(self, e: Apply) -> Epilogue:
        before, other = self._split(e)
        if (before.low, before.high, before.activation) != _NOT_CLAMPED:
            raise _OtherError
        if isinstance(other, Element | Apply) and before.addend is None:
            buffer = self._buffer(other)
            if buffer.shape.elements != self._producer.out.shape.elements:
                raise _OtherError
            return replace(before, addend=buffer)
        if isinstance(other, Scalar):
            other = ChannelConstant(
                np.full(self._channels(), other.value, np.float32).tobytes()
            )
        if isinstance(other, Channel | ChannelConstant) and before.bias is None:
            bias = self._fuser.bias(
                other.data
                if isinstance(other, ChannelConstant)
                else self._reader.arguments[other.argument]
            )
            # The reader's last dimension may be none of the producer's channels.
            if bias is not None and bias.shape.elements == self._channels() + PANEL:
                return replace(before, bias=bias)
        raise _OtherError

    def _buffer(self, e: Element | Apply) -> Buffer:
        """Where the value of an expression is."""
        if isinstance(e, Element):
            return self._reader.arguments[e.argument]
        found = self._fuser.known.find(e, self._reader)
        if found is None:
            raise _OtherError
        return found

    def _channels(self) -> int:
        producer = self._producer
        return producer.n if isinstance(producer, Dot) else producer.out_channels

    def _clamp(self, e: Apply) -> Epilogue:
        if e.operation == "clamp":
            low, value, high = e.operands
            inner = Apply("minimum", (Apply("maximum", (value, low)), high))
            return self._clamp(inner)
        before, other = self._split(e)
        if before.activation != "linear" or not isinstance(other, Scalar):
            raise _OtherError
        if math.isnan(other.value):
            raise _OtherError
        bound = max if e.operation == "maximum" else min
        return replace(
            before,
            low=bound(before.low, other.value),
            high=bound(before.high, other.value),
        )


_NOT_CLAMPED = (NO_EPILOGUE.low, NO_EPILOGUE.high, NO_EPILOGUE.activation)


def _activation(e: Apply) -> tuple[Activation, Expression] | None:
    """The activation that ``e`` is, and what it is applied to."""
    if e.operation == "tanh":
        return "tanh", e.operands[0]
    if (inside := _sigmoid(e)) is not None:
        return "sigmoid", inside
    if e.operation == "multiply":
        for x, gate in (e.operands, e.operands[::-1]):
            if isinstance(gate, Apply) and _sigmoid(gate) == x:
                return "swish", x
    return None


def _sigmoid(e: Apply) -> Expression | None:
    """What ``e`` is the logistic function of, or None.

    XLA spells it out as 1 / (1 + exp(-x)).
    """
    if e.operation == "logistic":
        return e.operands[0]
    one = Scalar(1.0)
    if e.operation != "divide" or e.operands[0] != one:
        return None
    below = e.operands[1]
    if not isinstance(below, Apply) or below.operation != "add":
        return None
    for first, power in (below.operands, below.operands[::-1]):
        if first != one or not isinstance(power, Apply):
            continue
        inside = power.operands[0]
        if (
            power.operation == "exponential"
            and isinstance(inside, Apply)
            and inside.operation == "negate"
        ):
            return inside.operands[0]
    return None


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
