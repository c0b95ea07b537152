# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Builds what looks like XLA's messages of a computation."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from tfnative_aot import adapters


class Computation:
    """Collects instructions that look like XLA's messages."""

    def __init__(self) -> None:
        self.instructions: dict[int, Any] = {}
        self.computations: dict[int, Any] = {}
        self._parameters = 0

    def add(
        self,
        opcode: str,
        dims: Sequence[int],
        *operands: Any,
        dtype: str = "f32",
        order: Sequence[int] | None = None,
        **fields: Any,
    ) -> Any:
        """An instruction; row-major unless ``order`` says otherwise."""
        numbers = {name: number for number, name in adapters.xla().DTYPES.items()}
        if order is None:
            order = list(reversed(range(len(dims))))
        instruction = SimpleNamespace(
            id=len(self.instructions) + 100,
            opcode=opcode,
            shape=SimpleNamespace(
                element_type=numbers[dtype],
                dimensions=list(dims),
                layout=SimpleNamespace(minor_to_major=list(order)),
            ),
            operand_ids=[operand.id for operand in operands],
            **fields,
        )
        self.instructions[instruction.id] = instruction
        return instruction

    def parameter(self, *dims: int, **fields: Any) -> Any:
        self._parameters += 1
        number = self._parameters - 1
        return self.add("parameter", dims, parameter_number=number, **fields)

    def constant(self, values: Any) -> Any:
        array = np.array(values, np.float32)
        literal = SimpleNamespace(f32s=array.tobytes())
        return self.add("constant", array.shape, literal=literal)

    def bits(self, number: int) -> Any:
        """A constant of 32 bits with a sign."""
        literal = SimpleNamespace(s32s=[number])
        return self.add("constant", (), dtype="s32", literal=literal)

    def broadcast(self, operand: Any, dims: Sequence[int], *along: int) -> Any:
        return self.add("broadcast", dims, operand, dimensions=list(along))

    def call(self, root: Any) -> int:
        """Makes a computation of an instruction and what it depends on."""
        self.computations[len(self.computations)] = SimpleNamespace(root_id=root.id)
        return len(self.computations) - 1
