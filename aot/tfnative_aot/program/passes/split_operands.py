# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lets kernels of two quantized arrays read both where they are.

XLA's program has them side by side in one array, since a call has one operand there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tfnative_aot.freeze.quantized import words
from tfnative_aot.program.memory import Slice
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Kernel, Quantized, Step
from tfnative_aot.program.traverse import accesses, walk


def split_operands(program: Program) -> Program:
    """The program without copies of operands, where each value has its own place."""
    joins = {
        step.results[0].slice: step
        for step in program.steps
        if isinstance(step, Kernel) and step.joined
    }
    steps = [_split(step, joins) for step in program.steps]
    read = {place for step in walk(steps) for place in accesses(step)[0]}
    read.update(program.output_slices)
    kept = tuple(step for step in steps if not _is_needless(step, read))
    return replace(program, steps=kept)


def _split(step: Step, joins: Mapping[Slice, Kernel]) -> Step:
    if not isinstance(step, Quantized) or len(step.inputs) == len(
        step.call.in_elements
    ):
        return step
    join = joins.get(step.inputs[0])
    if join is None or join.joined is None:
        return step
    found = tuple(join.arguments[number].slice for number in join.joined)
    sizes = [4 * step.rows * words(elements) for elements in step.call.in_elements]
    if [place.size for place in found] != sizes:
        return step
    return replace(step, inputs=found)


def _is_needless(step: Step, read: Sequence[Slice] | set[Slice]) -> bool:
    return (
        isinstance(step, Kernel)
        and bool(step.joined)
        and step.results[0].slice not in read
    )
