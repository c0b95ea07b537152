# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What program.json says of the workspace of a program."""

from __future__ import annotations

from collections.abc import Iterator

from tfnative._manifest.memory import LiveValue, MemoryRecord
from tfnative_aot.artifact.dataflow import StepFlow
from tfnative_aot.program.memory import Shape
from tfnative_aot.program.passes.lives import Life, aligned, lives, single_lives
from tfnative_aot.program.program import Program


def record_memory(program: Program, steps: tuple[StepFlow, ...]) -> MemoryRecord:
    """The record of a program whose memory is assigned.

    Args:
        program: The program.
        steps: All of its steps, nested ones too, as ``dataflow.follow`` numbers them.
    """
    spans = _spans(steps)
    written = _written(program, steps)
    size = {a.index: aligned(a.size) for a in program.allocations}
    values = []
    for index, first, last in _separate(program):
        begin = spans[first][0]
        end = spans[last][1] if last < len(spans) else len(steps)
        writer, shape = written.get(index, (-1, None))
        values.append(
            LiveValue(
                offset=program.temp_offsets[index],
                size=size[index],
                first=begin,
                last=end,
                writer=writer,
                shape="" if shape is None else shape_text(shape),
            )
        )
    return MemoryRecord(
        size=program.temp_bytes,
        order=program.order,
        xla_order_bytes=program.xla_order_bytes,
        xla_bytes=program.xla_temp_bytes,
        values=tuple(sorted(values, key=lambda v: (v.first, v.offset))),
    )


def shape_text(shape: Shape) -> str:
    """Without the memory order, which says nothing of what flows."""
    return f"{shape.dtype}[{','.join(map(str, shape.dims))}]"


def _separate(program: Program) -> Iterator[tuple[int, int, int]]:
    """Each allocation, its first step and its last one, of those that are not nested.

    Where one takes the place of another, the step that does so counts for the new one,
    so that no byte counts twice.
    """
    single = single_lives(program)
    for life in lives(program):
        yield from _members(life, single)


def _members(life: Life, single: dict[int, Life]) -> Iterator[tuple[int, int, int]]:
    for position, index in enumerate(life.members):
        last = single[index].last
        if position + 1 < len(life.members):
            last = single[life.members[position + 1]].first - 1
        if single[index].first <= last:
            yield index, single[index].first, last


def _spans(steps: tuple[StepFlow, ...]) -> list[tuple[int, int]]:
    """For each step that is not nested: its number, and the last one nested in it."""
    outer = [number for number, step in enumerate(steps) if step.parent < 0]
    ends = [*(number - 1 for number in outer[1:]), len(steps) - 1]
    return list(zip(outer, ends, strict=True)) if outer else []


def _written(
    program: Program, steps: tuple[StepFlow, ...]
) -> dict[int, tuple[int, Shape | None]]:
    """Which step writes an allocation first, and what."""
    found: dict[int, tuple[int, Shape | None]] = {}
    for number, step in enumerate(steps):
        for place in step.writes:
            index = place.slice.allocation
            if index in program.temp_offsets:
                found.setdefault(index, (number, place.shape))
    return found
