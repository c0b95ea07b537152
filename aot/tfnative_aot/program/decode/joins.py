# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads kernels of XLA's that put arrays side by side, and do nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SAME_BYTES = frozenset({"bitcast", "bitcast-convert", "copy", "reshape"})


def read_join(
    instruction: Any, by_id: Mapping[int, Any], computations: Mapping[int, Any]
) -> tuple[int, ...] | None:
    """The numbers of a kernel's operands that it joins, in the order of the result.

    None if it does anything else. In which dimension it joins them is not looked at.
    """
    if instruction.opcode == "concatenate":
        return tuple(range(len(instruction.operand_ids)))
    if instruction.opcode != "fusion":
        return None
    computation = computations[instruction.called_computation_ids[0]]
    root = _behind(by_id[computation.root_id], by_id)
    if root.opcode != "concatenate":
        return None
    parts = [_behind(by_id[number], by_id) for number in root.operand_ids]
    if any(part.opcode != "parameter" for part in parts):
        return None
    return tuple(part.parameter_number for part in parts)


def _behind(instruction: Any, by_id: Mapping[int, Any]) -> Any:
    """What an instruction passes on, byte by byte."""
    while instruction.opcode in _SAME_BYTES:
        instruction = by_id[instruction.operand_ids[0]]
    return instruction
