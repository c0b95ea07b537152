# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads what a fusion of XLA's computes into an ``Expression``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfnative_aot import adapters
from tfnative_aot.program.expression import (
    OPERATIONS,
    Apply,
    Channel,
    ChannelConstant,
    Element,
    Expression,
    Scalar,
)


def read_expression(
    computation: Any, instructions: Mapping[int, Any]
) -> Expression | None:
    """The expression of a fused computation, or None if it is no such thing.

    Args:
        computation: The computation, whose parameters are the kernel's arguments.
        instructions: All instructions of the module, by id.
    """
    return read_values(instructions[computation.root_id], instructions)


def read_values(root: Any, instructions: Mapping[int, Any]) -> Expression | None:
    """The same of one instruction of such a computation."""
    try:
        return _Reader(instructions, root).read(root)
    except _OtherError:
        return None


class _OtherError(Exception):
    """The computation is not element-wise."""


class _Reader:
    def __init__(self, instructions: Mapping[int, Any], root: Any) -> None:
        self._instructions = instructions
        self._elements = _count(root)
        self._known: dict[int, Expression] = {}
        dims = self._final_dims(root)
        self._channels = dims[-1] if dims else 1

    def _final_dims(self, root: Any) -> list[int]:
        """The result's sizes before it is only seen in another form."""
        while root.opcode in ("bitcast", "reshape"):
            root = self._operand(root, 0)
        return list(root.shape.dimensions)

    def read(self, instruction: Any) -> Expression:
        if instruction.id not in self._known:
            self._known[instruction.id] = self._read(instruction)
        return self._known[instruction.id]

    def _read(self, i: Any) -> Expression:
        if not is_plain_f32(i):
            raise _OtherError
        if i.opcode == "broadcast":
            return self._broadcast(i)
        if _count(i) != self._elements:
            raise _OtherError
        if i.opcode == "parameter":
            return Element(i.parameter_number)
        if i.opcode in ("bitcast", "reshape", "copy", "reduce-precision"):
            return self.read(self._operand(i, 0))
        if i.opcode == "select":
            return self.read(self._rounded(i))
        if i.opcode == "bitcast-convert":
            return self.read(self._rounded_bits(i))
        if i.opcode in OPERATIONS:
            operands = (self._instructions[o] for o in i.operand_ids)
            return Apply(i.opcode, tuple(self.read(operand) for operand in operands))
        raise _OtherError

    def _broadcast(self, i: Any) -> Expression:
        source = self._operand(i, 0)
        while is_plain_f32(source) and source.opcode in ("bitcast", "reshape"):
            source = self._operand(source, 0)
        if not is_plain_f32(source):
            raise _OtherError
        if source.opcode == "constant" and _count(source) == 1:
            return Scalar(float(np.frombuffer(source.literal.f32s, np.float32)[0]))
        dims = list(i.shape.dimensions)
        along_channels = (
            list(i.dimensions) == [len(dims) - 1]
            and dims[-1] == self._channels == _count(source)
            and _count(i) == self._elements
        )
        if along_channels and source.opcode == "parameter":
            return Channel(source.parameter_number)
        if along_channels and source.opcode == "constant":
            return ChannelConstant(bytes(source.literal.f32s))
        raise _OtherError

    def _rounded(self, i: Any) -> Any:
        """The number that a selection takes, unless it is NaN: then another NaN.

        See ``freeze/rewrites/barriers.py``, which puts such selections there.
        """
        test, nan, value = (self._instructions[o] for o in i.operand_ids)
        nan = self._before_broadcast(nan)
        compared = list(test.operand_ids)
        if (
            test.opcode != "compare"
            or test.comparison_direction != "NE"
            or compared != [value.id, value.id]
            or nan.opcode != "constant"
            or not np.isnan(np.frombuffer(nan.literal.f32s, np.float32)).all()
        ):
            raise _OtherError
        return value

    def _rounded_bits(self, i: Any) -> Any:
        """The same of a selection that takes the bits of a number."""
        chosen = self._operand(i, 0)
        if chosen.opcode != "select":
            raise _OtherError
        test, nan, bits = (self._instructions[o] for o in chosen.operand_ids)
        if (
            bits.opcode != "bitcast-convert"
            or test.opcode != "compare"
            or test.comparison_direction != "EQ"
            or test.operand_ids[0] != bits.id
            or not self._is_nan(self._operand(test, 1))
            or not self._is_nan(nan)
        ):
            raise _OtherError
        return self._operand(bits, 0)

    def _is_nan(self, instruction: Any) -> bool:
        """Whether it is the bits of a NaN, for all elements."""
        instruction = self._before_broadcast(instruction)
        if instruction.opcode != "constant" or _count(instruction) != 1:
            return False
        (bits,) = instruction.literal.s32s
        return bool(np.isnan(np.int32(bits).view(np.float32)))

    def _before_broadcast(self, instruction: Any) -> Any:
        while instruction.opcode == "broadcast":
            instruction = self._operand(instruction, 0)
        return instruction

    def _operand(self, instruction: Any, position: int) -> Any:
        return self._instructions[instruction.operand_ids[position]]


def is_plain_f32(instruction: Any) -> bool:
    """Whether it gives a row-major array of f32."""
    shape = instruction.shape
    order = list(shape.layout.minor_to_major)
    return adapters.xla().DTYPES.get(shape.element_type) == "f32" and order == list(
        reversed(range(len(shape.dimensions)))
    )


def _count(instruction: Any) -> int:
    count = 1
    for size in instruction.shape.dimensions:
        count *= int(size)
    return count
