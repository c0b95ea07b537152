# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes one reduction of two.

XLA splits long reductions: first windows of 32, then what has become of them. Our
kernel needs no such help.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import ReduceWindow, Step
from tfnative_aot.program.traverse import accesses, walk


def merge_reductions(program: Program) -> Program:
    """Joins a reduction of windows with the reduction that alone reads its result.

    Expects values in allocations of their own, see ``separate_values``.
    """
    uses: Counter[int] = Counter()
    for step in walk(program.steps):
        reads, writes = accesses(step)
        uses.update({s.allocation for s in (*reads, *writes)})
    uses.update(s.allocation for s in program.output_slices)
    temp = {a.index for a in program.allocations if a.kind == "temp"}
    first: dict[int, ReduceWindow] = {}
    steps: list[Step] = []
    for step in program.steps:
        added = step
        if isinstance(step, ReduceWindow):
            before = first.get(step.lhs.slice.allocation)
            if before is not None and _are_one(before, step):
                steps.remove(before)
                added = _joined(before, step)
        steps.append(added)
        written = {s.allocation for inner in walk([step]) for s in accesses(inner)[1]}
        first = {
            index: reduction
            for index, reduction in first.items()
            if reduction.lhs.slice.allocation not in written
        }
        if isinstance(added, ReduceWindow):
            target = added.out.slice.allocation
            # Nothing uses it but the two: the writer, and one reader.
            if target in temp and uses[target] == 2:
                first[target] = added
    return replace(program, steps=tuple(steps))


def _are_one(a: ReduceWindow, b: ReduceWindow) -> bool:
    """Whether ``a`` reduces each place once, and ``b`` all that comes of it."""
    covered = all(
        out * size >= low + before
        for out, size, low, before in zip(
            a.out_size, a.kernel_size, a.padding_low, a.in_size, strict=True
        )
    )
    return (
        a.out.slice == b.lhs.slice
        and a.operation == b.operation
        and (a.init, a.scale) == (b.init, 1.0)
        and (a.operation != "sum" or a.init == 0)
        and (a.batch, a.channels) == (b.batch, b.channels)
        and a.stride == a.kernel_size
        and a.window_dilation == (1, 1, 1)
        and min(a.padding_low) >= 0
        and covered
        and b.out_size == (1, 1, 1)
        and b.kernel_size == b.in_size
        and math.prod(a.out_size) == math.prod(b.in_size)
    )


def _joined(a: ReduceWindow, b: ReduceWindow) -> ReduceWindow:
    # All places lie next to each other.
    places = (1, 1, math.prod(a.in_size))
    return replace(
        b,
        source=b.source.with_parts_of(a.source),
        in_size=places,
        kernel_size=places,
        stride=(1, 1, 1),
        padding_low=(0, 0, 0),
        lhs=a.lhs,
    )
