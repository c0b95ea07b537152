# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Follows how the values of a program depend on the rows of its inputs.

The program is XLA's, before XLA optimises it, compiled for several numbers of rows:
all that differs between these must be sizes that are multiples of the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tfnative_aot.rows import elementwise, indexing, moving, products, reducing
from tfnative_aot.rows.instruction import DifferentError, Instruction
from tfnative_aot.rows.operation import Operation
from tfnative_aot.rows.rounds import Loop
from tfnative_aot.rows.value import (
    COUNTS,
    CannotJoinError,
    Indices,
    Kind,
    Known,
    Mixed,
    Several,
    Value,
    join,
)

Rule = Callable[[Operation], Value]

_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(elementwise.OPCODES, elementwise.elementwise),
    "batch-norm-inference": reducing.normalization,
    "broadcast": moving.broadcast,
    "cholesky": reducing.of_matrices,
    "concatenate": moving.concatenate,
    "constant": moving.constant,
    "convolution": products.convolution,
    "custom-call": reducing.custom_call,
    "dot": products.dot,
    "dynamic-slice": indexing.dynamic_slice,
    "dynamic-update-slice": indexing.dynamic_update_slice,
    "fft": reducing.fft,
    "gather": indexing.gather,
    "get-dimension-size": elementwise.get_dimension_size,
    "iota": moving.iota,
    "pad": moving.pad,
    "reduce": reducing.reduce,
    "reduce-window": reducing.reduce_window,
    "reshape": moving.reshape,
    "reverse": moving.reverse,
    "scatter": indexing.scatter,
    "select-and-scatter": reducing.select_and_scatter,
    "set-dimension-size": elementwise.set_dimension_size,
    "slice": moving.slice_,
    "sort": reducing.sort,
    "transpose": moving.transpose,
    "triangular-solve": reducing.of_matrices,
}
_TAKE_INDICES = frozenset({"gather", "scatter"})
_TAKE_ROUNDS = frozenset(
    "copy dynamic-slice dynamic-update-slice optimization-barrier reshape".split()
)
_MOST_ROUNDS = 100
"""Of a loop, until what is known of its variables changes no more."""
_NOT_FOLLOWED = "is a loop that the analysis does not follow"


class Analysis:
    """Looks at one program.

    Args:
        modules: It, as an xla.HloModuleProto for each number of rows.
        rows: These numbers. The first one is the largest that divides no other size.
    """

    def __init__(self, modules: Sequence[Any], rows: Sequence[int]) -> None:
        self._rows = tuple(rows)
        self._entries = tuple(m.entry_computation_id for m in modules)
        self._computations = tuple({c.id: c for c in m.computations} for m in modules)

    def parameter_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the parameters, by their number, in the first program."""
        entry = self._computations[0][self._entries[0]]
        found = {
            i.parameter_number: tuple(i.shape.dimensions)
            for i in entry.instructions
            if i.opcode == "parameter"
        }
        return tuple(found[number] for number in sorted(found))

    def results(self, parameters: Sequence[Value]) -> Value:
        """What is known of the outputs.

        Args:
            parameters: What is known of the inputs.

        Raises:
            DifferentError: The program is another one for another number of rows.
        """
        return self._computation(self._entries, parameters)

    def _computation(self, ids: Sequence[int], parameters: Sequence[Value]) -> Value:
        computations = [
            known[id_] for known, id_ in zip(self._computations, ids, strict=True)
        ]
        if len({len(c.instructions) for c in computations}) > 1:
            raise DifferentError
        values: dict[int, tuple[Instruction, Value]] = {}
        order = [
            {i.id: at for at, i in enumerate(c.instructions)} for c in computations
        ]
        root = {
            places[c.root_id] for places, c in zip(order, computations, strict=True)
        }
        if len(root) > 1:
            raise DifferentError
        for at, each in enumerate(
            zip(*(c.instructions for c in computations), strict=True)
        ):
            instruction = Instruction(each, self._rows)
            instruction.same(lambda i: i.opcode)
            operands = {
                tuple(places[o] for o in i.operand_ids)
                for places, i in zip(order, each, strict=True)
            }
            if len(operands) > 1:
                raise DifferentError
            values[at] = (
                instruction,
                self._value(
                    instruction, [values[o] for o in operands.pop()], parameters
                ),
            )
        return values[root.pop()][1]

    def _value(
        self,
        instruction: Instruction,
        operands: Sequence[tuple[Instruction, Value]],
        parameters: Sequence[Value],
    ) -> Value:
        opcode = instruction.opcode
        values = tuple(value for _, value in operands)
        if opcode == "parameter":
            number: int = instruction.same(lambda i: i.parameter_number)
            return parameters[number]
        if opcode == "tuple":
            return Several(values)
        if opcode == "get-tuple-element":
            (whole,) = values
            if isinstance(whole, Several):
                index: int = instruction.same(lambda i: i.tuple_index)
                return whole.parts[index]
            return whole
        operation = Operation(instruction, values, tuple(i for i, _ in operands))
        try:
            if opcode == "while":
                return self._while(operation)
            if opcode == "conditional":
                return self._conditional(operation)
            if opcode in ("call", "fusion", "async-start"):
                return self._computation(self._called(instruction, 0), values)
            return self._ruled(operation)
        except DifferentError:
            if opcode in ("while", "conditional", "call"):
                raise
            return operation.unknown("is another operation for other numbers of rows")

    def _ruled(self, operation: Operation) -> Value:
        opcode = operation.instruction.opcode
        if _is_empty(operation.instruction):
            return Known()
        for value in operation.operands:
            if isinstance(value, Mixed):
                return value
            if isinstance(value, Indices) and opcode not in _TAKE_INDICES:
                return operation.mixed("uses the number of the row")
            is_round = isinstance(value, Known) and value.kind == Kind.ROUND
            if is_round and opcode not in _TAKE_ROUNDS:
                return operation.mixed("uses the number of the row")
        rule = _RULES.get(opcode)
        if rule is None:
            return operation.unknown(f"is a {opcode} to XLA, which is not known here")
        if opcode in elementwise.OPCODES and any(
            isinstance(value, Several) for value in operation.operands
        ):  # A copy, or a barrier.
            return operation.operands[0]
        return rule(operation)

    def _called(self, instruction: Instruction, index: int) -> list[int]:
        return [i.called_computation_ids[index] for i in instruction.each]

    def _while(self, operation: Operation) -> Value:
        instruction = operation.instruction
        # XLA's order: the body, then the condition.
        body, condition = (self._called(instruction, at) for at in (0, 1))
        (state,) = operation.operands
        counters = self._round_counters(instruction)
        if counters is not None and isinstance(state, Several):
            return self._rounds(operation, body, state, counters)
        for _ in range(_MOST_ROUNDS):
            after = self._joined(operation, state, self._computation(body, [state]))
            if after == state:
                break
            state = after
        else:
            return operation.unknown(_NOT_FOLLOWED)
        going = self._computation(condition, [state])
        if isinstance(going, Mixed) and going.reason == COUNTS:
            return operation.unknown("is a loop with a round for each row")
        if going != Known():
            return operation.unknown("is a loop that ends by what the rows are")
        return state

    def _round_counters(self, instruction: Instruction) -> frozenset[int] | None:
        """See ``Loop.counters``; None, too, if programs differ."""
        loops = zip(self._computations, instruction.each, self._rows, strict=True)
        found = {Loop(*each).counters() for each in loops}
        return found.pop() if len(found) == 1 else None

    def _rounds(
        self,
        operation: Operation,
        body: Sequence[int],
        state: Several,
        counters: frozenset[int],
    ) -> Value:
        """A loop with a round for each row."""

        def counted(parts: Sequence[Value], count: Value) -> Several:
            each = enumerate(parts)
            return Several(tuple(count if i in counters else part for i, part in each))

        state = counted(state.parts, Known(Kind.ROUND))
        for _ in range(_MOST_ROUNDS):
            found = self._computation(body, [state])
            assert isinstance(found, Several)
            pairs = zip(state.parts, found.parts, strict=True)
            carried = [self._carried(operation, *pair) for pair in pairs]
            after = counted(carried, Known(Kind.ROUND))
            if after == state:
                return counted(state.parts, operation.mixed(COUNTS))
            state = after
        return operation.unknown(_NOT_FOLLOWED)

    def _carried(self, operation: Operation, before: Value, after: Value) -> Value:
        """What the next round finds of what this one found and left."""
        if isinstance(before, Several) and isinstance(after, Several):
            pairs = zip(before.parts, after.parts, strict=True)
            return Several(tuple(self._carried(operation, *pair) for pair in pairs))
        if isinstance(after, Known) and after.kind in (Kind.ROUND, Kind.OF_ROUND):
            return operation.mixed("carries something from one row to the next")
        return self._joined(operation, before, after)

    def _conditional(self, operation: Operation) -> Value:
        choice, *arguments = operation.operands
        if choice != Known():
            return _reason(operation, choice, "chooses for all rows by what some are")
        results = [
            self._computation(self._called(operation.instruction, at), [argument])
            for at, argument in enumerate(arguments)
        ]
        joined = results[0]
        for result in results[1:]:
            joined = self._joined(operation, joined, result)
        return joined

    def _joined(self, operation: Operation, left: Value, right: Value) -> Value:
        """Either of two values."""
        if isinstance(left, Several) and isinstance(right, Several):
            pairs = zip(left.parts, right.parts, strict=True)
            return Several(tuple(self._joined(operation, a, b) for a, b in pairs))
        if left == right:
            return left
        numbers = (v for v in (left, right) if isinstance(v, Known))
        if any(v.kind == Kind.NUMBER for v in numbers):
            return operation.mixed("uses the number of the row")
        try:
            return join(left, right)
        except CannotJoinError:
            return operation.unknown()


def _is_empty(instruction: Instruction) -> bool:
    """Whether its result has no elements, whatever the number of rows."""
    if instruction.first.shape.tuple_shapes:
        return False
    return any(not any(sizes) for sizes in instruction.dims)


def _reason(operation: Operation, value: Value, reason: str) -> Mixed:
    if isinstance(value, Mixed):
        return value
    return operation.mixed(reason)
