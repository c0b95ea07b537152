# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Kernels read operands where these are, if a copy only puts them side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tfnative_aot.freeze.quantized import Join
from tfnative_aot.machines.cpu_levels import X86_LEVELS, VariantKey
from tfnative_aot.program.memory import Buffer, Shape, Slice
from tfnative_aot.program.passes.split_operands import split_operands
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Kernel, Quantized, Source, Step

SOURCE = Source("join")
ROWS = 3
CALL = Join(1, (4, 8))
"""Of rows of one and of two words."""
FIRST, SECOND = Slice(0, 0, ROWS * 4), Slice(1, 0, ROWS * 8)
SIDE_BY_SIDE, OUT, OTHER = Slice(2, 0, ROWS * 12), Slice(3, 0, 36), Slice(4, 0, 36)


def buffer(place: Slice) -> Buffer:
    return Buffer(place, Shape("s32", (place.size // 4,), (0,)))


def copy_of(
    joined: tuple[int, ...] | None, *arguments: Slice, result: Slice = SIDE_BY_SIDE
) -> Kernel:
    places = tuple(buffer(place) for place in arguments)
    return Kernel(SOURCE, "join", places, (buffer(result),), (1, 1, 1), joined=joined)


READER = Quantized(SOURCE, CALL, ROWS, (SIDE_BY_SIDE,), OUT)


def split(*steps: Step, output: Slice = OUT) -> tuple[Step, ...]:
    program = Program(
        key=VariantKey(0, ROWS, X86_LEVELS[0]),
        object_file=Path("unused.o"),
        steps=steps,
        allocations=(),
        constants={},
        input_shapes=(),
        output_shapes=(),
        output_slices=(output,),
    )
    return split_operands(program).steps


@pytest.mark.parametrize(
    ("joined", "arguments"),
    [
        ((0, 1), (FIRST, SECOND)),
        ((1, 0), (SECOND, FIRST)),
        ((2, 0), (SECOND, OTHER, FIRST)),
    ],
)
def test_the_copy_goes_away(joined, arguments) -> None:
    assert split(copy_of(joined, *arguments), READER) == (
        replace(READER, inputs=(FIRST, SECOND)),
    )


def test_a_copy_that_is_read_elsewhere_stays() -> None:
    copy = copy_of((0, 1), FIRST, SECOND)
    after = split(copy, READER, output=SIDE_BY_SIDE)
    assert after == (copy, replace(READER, inputs=(FIRST, SECOND)))


@pytest.mark.parametrize(
    "steps",
    [
        (READER,),
        (copy_of(None, FIRST, SECOND), READER),
        (copy_of((0, 1), FIRST, SECOND, result=OTHER), READER),
        (copy_of((1, 0), FIRST, SECOND), READER),
        (copy_of((0, 1, 1), FIRST, SECOND), READER),
    ],
    ids=["none", "no copy", "elsewhere", "other sizes", "one too many"],
)
def test_what_is_no_copy_of_the_operands_is_read_as_it_is(
    steps: tuple[Step, ...],
) -> None:
    after = split(*steps, output=OTHER)
    assert after == steps


def test_a_step_that_has_its_operands_keeps_them() -> None:
    apart = replace(READER, inputs=(SIDE_BY_SIDE, SECOND))
    copy = copy_of((0, 1), FIRST, SECOND)
    assert split(copy, apart) == (copy, apart)
