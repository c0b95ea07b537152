# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Goes through the steps of a program, and through the memory that they touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tfnative_aot.program.memory import Buffer, Slice
from tfnative_aot.program.steps import (
    Call,
    CombinedSuppression,
    Conditional,
    Convolution,
    Copy,
    Dot,
    Kernel,
    Quantized,
    ReduceWindow,
    Sort,
    Step,
    Suppression,
    While,
)


def children(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The step sequences nested in a step."""
    if isinstance(step, While):
        return (step.condition, step.body)
    if isinstance(step, Conditional):
        return step.branches
    if isinstance(step, Call):
        return (step.steps,)
    return ()


def walk(steps: Sequence[Step]) -> Iterator[Step]:
    """All steps, a nested one after the step that it is nested in."""
    for step in steps:
        yield step
        for nested in children(step):
            yield from walk(nested)


def slices(step: Step) -> Iterator[Slice]:
    """The memory that a step itself touches, without what is nested in it."""
    reads, writes = accesses(step)
    yield from reads
    yield from (place for place in writes if place not in reads)


def accesses(step: Step) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
    """What a step itself reads and writes, without what is nested in it."""
    seen: tuple[list[Slice], list[Slice]] = ([], [])

    def note(place: Slice, kind: int) -> Slice:
        seen[kind].append(place)
        return place

    map_slices(step, lambda s: note(s, 0), lambda s: note(s, 1), nested=False)
    return tuple(seen[0]), tuple(seen[1])


def map_slices(
    step: Step,
    read: Callable[[Slice], Slice],
    write: Callable[[Slice], Slice],
    *,
    nested: bool = True,
) -> Step:
    """The step with other slices: ``read`` of what it reads, ``write`` of the rest."""

    def of(buffer: Buffer, change: Callable[[Slice], Slice]) -> Buffer:
        return replace(buffer, slice=change(buffer.slice))

    def inside(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(map_slices(s, read, write) for s in steps) if nested else steps

    if isinstance(step, Kernel):
        dot = None if step.dot is None else map_slices(step.dot, read, write)
        assert dot is None or isinstance(dot, Dot)
        reduced = step.reduced
        if reduced is not None:
            out = of(reduced.reduction.out, write)
            reduction = replace(reduced.reduction, out=out)
            reduced = replace(reduced, reduction=reduction)
        return replace(
            step,
            arguments=tuple(of(b, read) for b in step.arguments),
            results=tuple(of(b, write) for b in step.results),
            dot=dot,
            reduced=reduced,
        )
    if isinstance(step, Dot | Convolution):
        e = step.epilogue
        return replace(
            step,
            lhs=of(step.lhs, read),
            rhs=of(step.rhs, read),
            out=of(step.out, write),
            scale=None if step.scale is None else of(step.scale, read),
            epilogue=replace(
                e,
                bias=None if e.bias is None else of(e.bias, read),
                addend=None if e.addend is None else of(e.addend, read),
            ),
        )
    if isinstance(step, ReduceWindow):
        return replace(step, lhs=of(step.lhs, read), out=of(step.out, write))
    if isinstance(step, Copy):
        return replace(step, src=of(step.src, read), dst=of(step.dst, write))
    if isinstance(step, While):
        return replace(
            step,
            condition=inside(step.condition),
            body=inside(step.body),
            condition_buffer=read(step.condition_buffer),
        )
    if isinstance(step, Conditional):
        branches = tuple(inside(branch) for branch in step.branches)
        return replace(step, branches=branches, index=read(step.index))
    if isinstance(step, Call):
        return replace(step, steps=inside(step.steps))
    if isinstance(step, Sort):
        for buffer in step.arrays:
            read(buffer.slice)
        return replace(step, arrays=tuple(of(b, write) for b in step.arrays))
    if isinstance(step, CombinedSuppression):
        return replace(
            step,
            rows=read(step.rows),
            values=write(step.values),
            counts=write(step.counts),
        )
    if isinstance(step, Quantized):
        return replace(
            step,
            inputs=tuple(map(read, step.inputs)),
            weights=None if step.weights is None else read(step.weights),
            out=write(step.out),
        )
    if isinstance(step, Suppression):
        return replace(
            step,
            given=read(step.given),
            scores=write(step.scores),
            found=write(step.found),
        )
    return replace(
        step,
        values=read(step.values),
        out_values=write(step.out_values),
        out_indices=write(step.out_indices) if step.out_indices else None,
    )
