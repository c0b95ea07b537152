# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Orders that keep all dependencies compute the same, and others are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.aot.program.interpreter import interpret
from tests.aot.program.program_builder import (
    FUNCTIONS,
    IN_PLACE,
    ProgramBuilder,
    inputs_of,
)
from tests.aot.program.random_programs import programs
from tfnative.errors import InternalError
from tfnative_aot.program.dependencies import check_order, dependencies
from tfnative_aot.program.memory import Buffer, Slice
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Call, Copy


def ordered(program: Program, order: list[int]) -> Program:
    return replace(program, steps=tuple(program.steps[i] for i in order))


def outputs_of(program: Program) -> list[np.ndarray]:
    return interpret(program, inputs_of(program), FUNCTIONS, IN_PLACE)


@settings(max_examples=50)
@given(programs(), st.data())
def test_any_order_that_keeps_dependencies_computes_the_same(
    program: Program, data: st.DataObject
):
    """XLA's programs share memory between values: all three kinds are in them."""
    before = [set(each) for each in dependencies(program.steps)]
    order: list[int] = []
    while len(order) < len(before):
        ready = [i for i, b in enumerate(before) if i not in order and b <= set(order)]
        order.append(data.draw(st.sampled_from(ready)))
    check_order(program.steps, order)
    expected = outputs_of(program)
    for want, got in zip(expected, outputs_of(ordered(program, order)), strict=True):
        np.testing.assert_array_equal(got, want)


@settings(max_examples=50)
@given(programs(), st.data())
def test_an_order_that_breaks_a_dependency_is_refused(
    program: Program, data: st.DataObject
):
    before = dependencies(program.steps)
    count = len(before)
    order = data.draw(st.permutations(range(count)))
    at = {step: place for place, step in enumerate(order)}
    keeps = all(at[b] < at[i] for i in range(count) for b in before[i])
    try:
        check_order(program.steps, order)
    except InternalError:
        assert not keeps
    else:
        assert keeps


@pytest.mark.parametrize("order", [[0, 0], [0], [0, 1, 2], [1, 2]])
def test_what_is_no_order_of_the_steps_is_refused(order: list[int]):
    b = ProgramBuilder()
    x, y = b.buffer("input", 4), b.buffer("temp", 4)
    b.call("mix", [x], y)
    b.call("mix", [x], b.buffer("output", 4))
    with pytest.raises(InternalError, match="lacks some"):
        check_order(b.steps, order)


def part(buffer: Buffer, begin: int, end: int) -> Buffer:
    place = buffer.slice
    return replace(buffer, slice=Slice(place.allocation, begin, end - begin))


def test_parts_of_an_allocation_that_have_no_byte_in_common_are_independent():
    b = ProgramBuilder()
    x, y = b.buffer("input", 4), b.buffer("temp", 16)
    b.call("mix", [x], part(y, 0, 32))
    b.call("mix", [x], part(y, 32, 64))
    b.call("mix", [part(y, 28, 36)], b.buffer("output", 4))
    b.call("mix", [part(y, 32, 64)], b.buffer("output", 4))
    assert dependencies(b.steps) == ((), (), (0, 1), (1,))


def test_what_is_read_is_not_overwritten_before():
    b = ProgramBuilder()
    x, y = b.buffer("input", 4), b.buffer("temp", 4)
    b.call("mix", [x], y)
    b.call("mix", [y], b.buffer("output", 4))
    b.call("mix", [x], y)
    assert dependencies(b.steps) == ((), (0,), (0, 1))


def test_nested_steps_count_as_the_step_they_are_nested_in():
    b = ProgramBuilder()
    x, y, z = b.buffer("input", 4), b.buffer("temp", 4), b.buffer("temp", 4)
    b.call("mix", [x], y)
    inner = Copy(b.source("copy"), y, z)
    b.steps.append(Call(b.source("call"), (Call(b.source("call"), (inner,)),)))
    b.call("mix", [z], y)
    assert dependencies(b.steps) == ((), (0,), (0, 1))


def test_reading_the_same_and_empty_arrays_bring_no_order():
    b = ProgramBuilder()
    x, empty = b.buffer("input", 4), b.buffer("temp", 0)
    for _ in range(2):
        b.call("mix", [x], empty)
        b.call("mix", [empty, x], b.buffer("output", 4))
    assert dependencies(b.steps) == ((), (), (), ())
