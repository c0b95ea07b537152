# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a rule is given: an instruction, and what is known of its operands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tfnative_aot.rows.instruction import Instruction, Result
from tfnative_aot.rows.value import (
    CannotJoinError,
    Kind,
    Known,
    Layout,
    Mixed,
    Value,
    join,
)

MOVED = "puts rows in places that the analysis does not follow"


@dataclass(frozen=True)
class Operation:
    """An instruction with its operands.

    Attributes:
        instruction: It.
        operands: What is known of each operand; none is ``Mixed``.
        sources: The instructions that compute them.
    """

    instruction: Instruction
    operands: tuple[Value, ...]
    sources: tuple[Instruction, ...]

    def mixed(self, reason: str) -> Mixed:
        """A result that certainly depends on several rows, or on their number."""
        return self._mixed(reason, True)

    def unknown(self, reason: str = MOVED) -> Mixed:
        """A result of which it is not known what it depends on."""
        return self._mixed(reason, False)

    def _mixed(self, reason: str, is_certain: bool) -> Mixed:
        metadata = self.instruction.first.metadata
        return Mixed(reason, metadata.op_name, metadata.op_type, is_certain)

    def array(self, index: int) -> Known:
        """What is known of an operand that is an array."""
        value = self.operands[index]
        assert isinstance(value, Known), self.instruction.opcode
        return value

    def row_dims(self, index: int) -> tuple[int, ...]:
        """Dimensions of an operand that have the number of rows in them."""
        return self.sources[index].row_dims

    def joined(self, values: Iterable[Known]) -> Value:
        """What holds of an element that depends on an element of each."""
        return self.placed(self.joined_anywhere(values))

    def joined_anywhere(self, values: Iterable[Known]) -> Value:
        """The same, wherever the result has its rows."""
        result: Value = Known()
        for value in values:
            try:
                result = join(result, value)
            except CannotJoinError:
                return self.unknown("combines values whose rows lie differently")
            if isinstance(result, Mixed):
                return self.mixed(result.reason)
        return result

    def placed(self, value: Value, result: Result | None = None) -> Value:
        """The value, if the result has its rows where it says."""
        if not isinstance(value, Known):
            return value
        dims = (result or self.instruction.result).row_dims
        if value.layout is None:
            if value.kind not in (Kind.SAME, Kind.OF_ROUND):
                return self.mixed("takes single rows")
            return value
        if dims != (value.layout.dim,) or value.kind == Kind.OF_ROUND:
            return self.mixed("compares rows with each other")
        return value


def concrete(value: Known, source: Instruction) -> Known:
    """The value with a layout, if a single dimension has its rows."""
    dims = source.row_dims
    if value.layout is not None or len(dims) != 1:
        return value
    (dim,) = dims
    return value.at(Layout(dim, 1, source.multiple(dim)))
