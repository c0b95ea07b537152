# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What layers cost in float32 and in 8 bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfnative_aot.program.passes.stored_weights import find_node
from tfnative_aot.program.program import Program
from tfnative_aot.program.traverse import walk

_FASTER = 4
"""Numbers of 8 bits that an instruction takes for each one of 32 bits: an estimate."""


@dataclass(frozen=True)
class Times:
    """What a call costs.

    Attributes:
        unit: "us", or "Mop" for millions of operations.
        cpu_level: Where it was measured, or "".
        rows: Of the call; 0 without a batch dimension.
        float32: All of the call in float32.
        int8: All of it, with all layers in 8 bits.
        gained: What each layer saves in 8 bits, by its node.
    """

    unit: str
    cpu_level: str
    rows: int
    float32: float
    int8: float
    gained: Mapping[str, float]

    def of(self, kept: Sequence[str]) -> float:
        """Of a call in which some layers are in float32.

        What the layers do not account for, as functions between them, goes with them.
        """
        if len(kept) == len(self.gained):
            return self.float32
        return max(self.int8 + sum(self.gained[name] for name in kept), 0.0)


def time_by_layer(
    program: Program, micros: Mapping[int, float], layers: Sequence[str]
) -> Mapping[str, float]:
    """The time of each layer.

    Args:
        program: What was timed.
        micros: Time of steps, by their numbers in the program.
        layers: Nodes. A step that computes several is shared by them.
    """
    found = dict.fromkeys(layers, 0.0)
    for number, step in enumerate(walk(program.steps)):
        parts = (find_node(p.op_name, layers) for p in step.source.all_parts)
        own = {node for node in parts if node}
        for node in own:
            found[node] += micros.get(number, 0.0) / len(own)
    return found


def estimated(operations: Mapping[str, int], rows: int) -> Times:
    """Times by the numbers of operations, for what cannot be run here.

    Args:
        operations: Of each layer, for one row.
        rows: Of the call; 0 without a batch dimension.
    """
    costs = {name: max(rows, 1) * ops / 1e6 for name, ops in operations.items()}
    whole = sum(costs.values())
    gained = {name: cost - cost / _FASTER for name, cost in costs.items()}
    return Times("Mop", "", rows, whole, whole / _FASTER, gained)
