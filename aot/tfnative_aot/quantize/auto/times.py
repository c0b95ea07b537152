# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What layers cost in float32 and in 8 bits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tfnative_aot.program.passes.stored_weights import find_node
from tfnative_aot.program.program import Program
from tfnative_aot.program.traverse import walk
from tfnative_aot.quantize.auto.halves import FLOAT16

_READING = 0.1
"""Of a layer's time, that half the bytes of weights save: an estimate for few rows."""

_EQUAL = 0.05

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
        layers: What each layer costs in float32, by its node.
        gained: What it saves in 8 bits.
    """

    unit: str
    cpu_level: str
    rows: int
    float32: float
    int8: float
    layers: Mapping[str, float]
    gained: Mapping[str, float]

    def of(self, types: Mapping[str, str], halves: Mapping[str, float]) -> float:
        """Of a call in which some layers are not in 8 bits.

        What the layers do not account for, as functions between them, goes with them.

        Args:
            types: Of these layers.
            halves: What layers save with float16 weights, against float32.
        """
        saved = sum(halves[name] for name, to in types.items() if to == FLOAT16)
        if len(types) == len(self.gained):
            return max(self.float32 - saved, 0.0)
        return max(self.int8 + sum(self.gained[name] for name in types) - saved, 0.0)


def time_by_layer(
    program: Program, micros: Mapping[int, float], layers: Mapping[str, Sequence[str]]
) -> Mapping[str, float]:
    """The time of each layer.

    Args:
        program: What was timed.
        micros: Time of steps, by their numbers in the program.
        layers: The nodes of each. A step that computes several is shared by them.
    """
    found = dict.fromkeys(layers, 0.0)
    owner = {node: name for name, nodes in layers.items() for node in nodes}
    for number, step in enumerate(walk(program.steps)):
        parts = (find_node(p.op_name, owner) for p in step.source.all_parts)
        own = {owner[node] for node in parts if node}
        for name in own:
            found[name] += micros.get(number, 0.0) / len(own)
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
    return Times("Mop", "", rows, whole, whole / _FASTER, costs, gained)


def estimated_halves(times: Times, layers: Collection[str]) -> Mapping[str, float]:
    """What layers save with float16 weights, for what cannot be run here."""
    return {name: _READING * times.layers[name] for name in layers}


def no_slower(times: Times, halves: Mapping[str, float]) -> Mapping[str, float]:
    """The layers for which float16 weights are worth it: at half the bytes.

    Times of the same code differ by some percent.
    """
    return {n: time for n, time in halves.items() if time >= -_EQUAL * times.layers[n]}
