# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds loops that have a round for each row, as those of ``tf.map_fn``.

Their condition is that a counter, which begins at 0 and grows by 1 in each round, is
less than the number of rows. It may ask so of several counters. All else that they
carry from one round to the next stays as it is, or has one row replaced, at the
counter: what else changes in each round would depend on how many rounds there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative_aot.rows.literal import array_of

Computations = Mapping[int, Any]
"""Those of a program, xla.HloComputationProto by their id."""

_PASS_ON = frozenset({"copy", "optimization-barrier"})
_OF_CONSTANTS = frozenset("broadcast concatenate convert reshape slice".split())


@dataclass(frozen=True)
class _Variable:
    """A variable of the loop, as it is when a round begins.

    Attributes:
        path: Where it is in the loop's state, which is a tuple that may have tuples.
    """

    path: tuple[int, ...]


@dataclass(frozen=True)
class _Scope:
    """A computation that is run.

    Attributes:
        instructions: Its instructions by their id.
        root: The id of its result.
        arguments: What it is given, with the scopes of these; none if that is not
            known, or is the state of the loop.
    """

    instructions: Mapping[int, Any]
    root: int
    arguments: tuple[tuple[_Scope, int], ...] = ()


class Loop:
    """A loop in a program, for one number of rows.

    Args:
        computations: The program's.
        instruction: The loop, an xla.HloInstructionProto.
        rows: The number of rows.
    """

    def __init__(self, computations: Computations, instruction: Any, rows: int) -> None:
        self._computations = computations
        self._rows = rows
        body, condition = instruction.called_computation_ids  # In XLA's order.
        self._body = _scope(computations[body])
        self._condition = _scope(computations[condition])
        self._before = _scope(_around(computations, instruction))
        self._first = self._parts(self._before, instruction.operand_ids[0])
        self._after = self._parts(self._body, self._body.root)

    def counters(self) -> frozenset[int] | None:
        """The variables that are the number of the round, from 0 on.

        None if there is not a round for each row, or if that is not known.
        """
        if len(self._first) != len(self._after):  # One of the two is not seen here.
            return None
        counters = frozenset(i for i in range(len(self._after)) if self._counts(i))
        limits = list(self._limits(self._condition, self._condition.root))
        for limit in limits:
            if limit is None or limit[0] not in counters or not limit[1]:
                return None
        for index, place in enumerate(self._after):
            if index not in counters and not self._keeps(place, (index,), counters):
                return None
        return counters if limits and self._after else None

    def _counts(self, index: int) -> bool:
        """Whether a variable begins at 0, and is 1 more in the next round."""
        if not self._is(self._first[index], 0):
            return False
        scope, instruction = self._found(*self._after[index])
        if getattr(instruction, "opcode", "") != "add":
            return False
        left, right = ((scope, each) for each in instruction.operand_ids)
        return self._found(*left)[1] == _Variable((index,)) and self._is(right, 1)

    def _keeps(
        self,
        place: tuple[_Scope, int],
        path: tuple[int, ...],
        counters: Collection[int],
    ) -> bool:
        """Whether a round leaves a variable as it is, but for one place of its own.

        Args:
            place: What it is after the round.
            path: Which variable.
            counters: The variables that count rounds.
        """
        scope, found = self._found(*place)
        if found == _Variable(path):
            return True
        operands = [(scope, each) for each in getattr(found, "operand_ids", ())]
        opcode = getattr(found, "opcode", "")
        if opcode == "tuple":
            parts = enumerate(operands)
            return all(self._keeps(part, (*path, i), counters) for i, part in parts)
        if opcode != "dynamic-update-slice":
            return False
        into, _, *indices = operands
        at = [self._found(*index)[1] for index in indices]
        own = any(_Variable((counter,)) in at for counter in counters)
        return own and self._keeps(into, path, counters)

    def _limits(self, scope: _Scope, number: int) -> Iterator[tuple[int, bool] | None]:
        """Of what a condition asks: which variable is less than the number of rows.

        With each comes whether it is the number of rows; None for what is no such
        comparison.
        """
        scope, found = self._found(scope, number)
        opcode = getattr(found, "opcode", "")
        if opcode == "and":
            for each in found.operand_ids:
                yield from self._limits(scope, each)
        elif opcode == "compare" and found.comparison_direction == "LT":
            left, right = ((scope, each) for each in found.operand_ids)
            variable = self._found(*left)[1]
            if isinstance(variable, _Variable) and len(variable.path) == 1:
                yield variable.path[0], self._is_rows(right)
            else:
                yield None
        else:
            yield None

    def _is_rows(self, place: tuple[_Scope, int]) -> bool:
        """Whether a value is the number of rows, in every round."""
        found = self._found(*place)[1]
        if not isinstance(found, _Variable):
            return self._is(place, self._rows)
        if len(found.path) > 1:
            return False
        (index,) = found.path
        later = self._found(*self._after[index])[1]
        return later == found and self._is(self._first[index], self._rows)

    def _is(self, place: tuple[_Scope, int], number: int) -> bool:
        """Whether a value is a constant of one element, a whole number."""
        value = self._constant(*place)
        return (
            value is not None
            and value.size == 1
            and value.dtype.kind in "iu"
            and int(value.item()) == number
        )

    def _parts(self, scope: _Scope, number: int) -> list[tuple[_Scope, int]]:
        """The elements of a tuple; none if it is not seen where it is made."""
        scope, found = self._found(scope, number)
        if getattr(found, "opcode", "") != "tuple":
            return []
        return [(scope, each) for each in found.operand_ids]

    def _found(self, scope: _Scope, number: int) -> tuple[_Scope, Any]:
        """The instruction that makes a value, or the variable that it is.

        Follows what passes values on, and calls.
        """
        instruction = scope.instructions[number]
        opcode = instruction.opcode
        operands = [(scope, each) for each in instruction.operand_ids]
        if opcode in _PASS_ON or (
            opcode == "reshape"
            and _dims(scope.instructions[operands[0][1]]) == _dims(instruction)
        ):
            return self._found(*operands[0])
        if opcode == "call":
            (called,) = instruction.called_computation_ids
            inner = _scope(self._computations[called], tuple(operands))
            return self._found(inner, inner.root)
        if opcode == "parameter" and scope.arguments:
            return self._found(*scope.arguments[instruction.parameter_number])
        if opcode == "get-tuple-element":
            outer, whole = self._found(*operands[0])
            if getattr(whole, "opcode", "") == "tuple":
                return self._found(outer, whole.operand_ids[instruction.tuple_index])
            if isinstance(whole, _Variable):
                return outer, _Variable((*whole.path, instruction.tuple_index))
            if self._is_state(outer, whole):
                return outer, _Variable((instruction.tuple_index,))
        return scope, instruction

    def _is_state(self, scope: _Scope, found: Any) -> bool:
        is_of_loop = scope is self._body or scope is self._condition
        return is_of_loop and getattr(found, "opcode", "") == "parameter"

    def _constant(self, scope: _Scope, number: int) -> npt.NDArray[Any] | None:
        """A value that is put together of constants, as XLA has shapes."""
        scope, found = self._found(scope, number)
        if isinstance(found, _Variable):
            return None
        if found.opcode == "constant":
            return array_of(found.literal)
        if found.opcode not in _OF_CONSTANTS:
            return None
        given = [self._constant(scope, each) for each in found.operand_ids]
        known = [each for each in given if each is not None]
        if len(known) < len(given) or any(
            each.dtype.kind not in "iu" for each in known
        ):
            return None
        return _of_constants(found, known)


def _of_constants(
    instruction: Any, given: list[npt.NDArray[Any]]
) -> npt.NDArray[Any] | None:
    if instruction.opcode == "concatenate":
        return np.concatenate(given, instruction.dimensions[0])
    (value,) = given
    if instruction.opcode == "reshape":
        return value.reshape(_dims(instruction))
    if instruction.opcode == "slice":
        cut = (slice(s.start, s.limit, s.stride) for s in instruction.slice_dimensions)
        return value[tuple(cut)]
    if instruction.opcode == "broadcast":
        return np.full(_dims(instruction), value) if value.size == 1 else None
    return value  # Converted: to another type, which has it as it is or is not asked.


def _around(computations: Computations, instruction: Any) -> Any:
    """The computation that an instruction is in. Ids are unique in a program."""
    return next(
        each
        for each in computations.values()
        if any(i.id == instruction.id for i in each.instructions)
    )


def _dims(instruction: Any) -> tuple[int, ...]:
    return tuple(instruction.shape.dimensions)


def _scope(computation: Any, arguments: tuple[tuple[_Scope, int], ...] = ()) -> _Scope:
    by_id = {each.id: each for each in computation.instructions}
    return _Scope(by_id, computation.root_id, arguments)
