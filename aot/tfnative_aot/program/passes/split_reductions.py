# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Takes apart what XLA computes and reduces in one kernel.

Global pooling often comes with the activation or the residual sum before it. Apart,
the first can be folded into the kernel of ours that precedes it, and the second is
one of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tfnative_aot.program.memory import Allocation, Buffer, Slice
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Kernel, Step


def split_reductions(program: Program, fold: Callable[[Program], Program]) -> Program:
    """The program after ``fold``, with reductions apart where that helps.

    Args:
        program: Has values in allocations of their own, see ``separate_values``.
        fold: A pass that may fold element-wise kernels into others. Reductions are
            split only if it does so with what was reduced, since there is no code
            for that alone.
    """
    whole: set[str] = set()
    while True:
        folded = fold(_split(program, whole))
        left = {
            step.source.hlo
            for step in folded.steps
            if isinstance(step, Kernel) and not step.symbol
        }
        if not left:
            return folded
        whole |= left


def _split(program: Program, whole: set[str]) -> Program:
    """Splits all but ``whole``; the element-wise kernels have no symbol."""
    allocations = list(program.allocations)
    steps: list[Step] = []
    for step in program.steps:
        apart = isinstance(step, Kernel) and step.source.hlo not in whole
        if not apart or not isinstance(step, Kernel) or step.reduced is None:
            steps.append(step)
            continue
        reduction = step.reduced.reduction
        size, shape = reduction.lhs.slice.size, reduction.lhs.shape
        values = Buffer(Slice(len(allocations), 0, size), shape)
        allocations.append(Allocation(len(allocations), size, "temp"))
        steps += [
            Kernel(
                source=step.source,
                symbol="",
                arguments=step.arguments,
                results=(values,),
                workgroups=step.workgroups,
                expression=step.reduced.expression,
            ),
            replace(reduction, lhs=values),
        ]
    return replace(program, steps=tuple(steps), allocations=tuple(allocations))
