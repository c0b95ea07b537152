# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the instructions and computations of XLA's module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfnative_aot.program.steps import Part, Source

_COMPUTE_NOTHING = frozenset(
    {"bitcast", "broadcast", "constant", "get-tuple-element", "parameter", "tuple"}
)


@dataclass(frozen=True)
class Module:
    """An HloModuleProto, by what its parts refer to each other.

    Attributes:
        by_name: All instructions, by name.
        by_id: All instructions, by id.
        computations: All computations, by id.
    """

    by_name: Mapping[str, Any]
    by_id: Mapping[int, Any]
    computations: Mapping[int, Any]

    @classmethod
    def read(cls, module: Any) -> Module:
        """Indexes a module."""
        by_name = {i.name: i for c in module.computations for i in c.instructions}
        return cls(
            by_name,
            {i.id: i for i in by_name.values()},
            {c.id: c for c in module.computations},
        )

    def source(self, hlo: str) -> Source:
        """Where the instruction of a name comes from."""
        instruction = self.by_name.get(hlo)
        if instruction is None:
            return Source(hlo)
        found = instruction.metadata
        name = found.op_name.rpartition(";")[2]  # Calls are before it.
        return Source(hlo, name, found.op_type, self._parts(instruction))

    def _parts(self, instruction: Any) -> tuple[Part, ...]:
        """The TensorFlow nodes of what is fused into an instruction."""
        if instruction.opcode != "fusion":
            return ()
        computation = self.computations[instruction.called_computation_ids[0]]
        parts = dict.fromkeys(
            # Where XLA made one instruction of several equal ones, names follow ";".
            Part(each.metadata.op_type, each.metadata.op_name.rpartition(";")[2])
            for each in computation.instructions
            if each.metadata.op_name and each.opcode not in _COMPUTE_NOTHING
        )
        return tuple(parts) if len(parts) > 1 else ()
