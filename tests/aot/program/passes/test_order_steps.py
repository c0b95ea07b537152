# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Steps are put into the order that needs least memory, and compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

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
from tfnative_aot.program.dependencies import check_order
from tfnative_aot.program.memory import Buffer
from tfnative_aot.program.passes.assign_memory import assign_memory
from tfnative_aot.program.passes.fuse_epilogues import fuse_epilogues
from tfnative_aot.program.passes.order_steps import (
    order_steps,
    peak_bytes,
    schedule_of,
)
from tfnative_aot.program.passes.orders import ORDERS, Order, Schedule
from tfnative_aot.program.passes.pack_weights import pack_weights
from tfnative_aot.program.passes.separate_values import separate_values
from tfnative_aot.program.program import Program


def outputs_of(program: Program) -> list[np.ndarray]:
    return interpret(program, inputs_of(program), FUNCTIONS, IN_PLACE)


def apart(program: Program) -> Program:
    """What ``order_steps`` is given."""
    return fuse_epilogues(separate_values(pack_weights(program)))


@settings(max_examples=60)
@given(programs(most_steps=12))
def test_every_order_computes_what_xlas_does(program: Program):
    before = apart(program)
    expected = outputs_of(before)
    for find in ORDERS.values():
        order = find(schedule_of(before))
        check_order(before.steps, order)
        steps = tuple(before.steps[number] for number in order)
        after = assign_memory(replace(before, steps=steps))
        for want, got in zip(expected, outputs_of(after), strict=True):
            np.testing.assert_array_equal(got, want)


@settings(max_examples=40)
@given(programs(most_steps=12))
def test_no_workspace_is_larger_than_in_xlas_order(program: Program):
    before = apart(program)
    after = order_steps(before)
    assert after.xla_order_bytes == assign_memory(before).temp_bytes
    assert peak_bytes(after) <= after.temp_bytes <= after.xla_order_bytes
    assert (after.order == "xla") == (after.temp_bytes == after.xla_order_bytes)
    if after.order == "xla":
        assert after.steps == before.steps


@settings(max_examples=15)
@given(programs())
def test_the_same_program_is_ordered_in_the_same_way(program: Program):
    assert order_steps(apart(program)) == order_steps(apart(program))


def fork(count: int = 4) -> Program:
    """Makes large values first, then a small one of each, and joins the small ones."""
    b = ProgramBuilder()
    x = b.buffer("input", 4)
    large = [b.buffer("temp", 1024) for _ in range(count)]
    small = [b.buffer("temp", 16) for _ in range(count)]
    for value in large:
        b.call("mix", [x], value)
    for value, result in zip(large, small, strict=True):
        b.call("mix", [value], result)
    out = b.buffer("output", 4)
    b.call("mix", small, out)
    return b.program(out)


@pytest.mark.parametrize("name", ORDERS)
def test_branches_are_computed_one_after_the_other(name: str):
    program = fork()
    order = ORDERS[name](schedule_of(program))
    steps = tuple(program.steps[number] for number in order)
    assert peak_bytes(program) == 4 * 4096 + 64
    assert peak_bytes(replace(program, steps=steps)) == 4096 + 4 * 64


def test_the_smallest_workspace_is_taken():
    program = order_steps(fork())
    assert program.order != "xla"
    assert (program.temp_bytes, program.xla_order_bytes) == (4096 + 256, 4 * 4096 + 64)


def test_xlas_order_stays_where_others_need_as_much():
    b = ProgramBuilder()
    x, y, out = b.buffer("input", 4), b.buffer("temp", 4), b.buffer("output", 4)
    b.call("mix", [x], b.buffer("output", 4))
    b.call("mix", [x], y)
    b.call("mix", [y], out)
    program = b.program(out)
    assert order_steps(program).steps == program.steps
    assert order_steps(program).order == "xla"


def test_a_wrong_order_is_refused():
    def last_first(schedule: Schedule) -> Order:
        return tuple(reversed(range(len(schedule.before))))

    with pytest.raises(InternalError, match="moved before one that it needs"):
        order_steps(fork(), {"wrong": last_first})


def test_outputs_are_alive_to_the_end():
    b = ProgramBuilder()
    x, kept = b.buffer("input", 4), b.buffer("temp", 16)
    b.call("mix", [x], kept)
    assert schedule_of(b.program(kept)).kept == {kept.slice.allocation}


def value_users(draw: st.DrawFn, count: int) -> Sequence[tuple[int, ...]]:
    users = st.lists(st.integers(0, count - 1), max_size=2, unique=True)
    return [tuple(draw(users)) for _ in range(count)]


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    count = draw(st.integers(1, 9))
    values = value_users(draw, count)
    before = [
        tuple(b for b in range(step) if set(values[b]) & set(values[step]))
        for step in range(count)
    ]
    sizes = {value: draw(st.integers(1, 5)) for value in range(count)}
    return Schedule(tuple(before), tuple(values), sizes)


@given(schedules())
def test_a_schedule_seen_twice_from_the_end_is_the_schedule(schedule: Schedule):
    again = schedule.backwards().backwards()
    assert [set(b) for b in again.before] == [set(b) for b in schedule.before]
    assert (again.values, again.sizes) == (schedule.values, schedule.sizes)


@pytest.mark.parametrize("name", ORDERS)
@given(schedules())
def test_orders_have_each_step_once_behind_what_it_needs(name: str, schedule: Schedule):
    order = ORDERS[name](schedule)
    assert sorted(order) == list(range(len(schedule.before)))
    at = {step: place for place, step in enumerate(order)}
    for step, needed in enumerate(schedule.before):
        assert all(at[other] < at[step] for other in needed)


def test_parts_of_the_workspace_that_share_memory_are_counted_once():
    b = ProgramBuilder()
    values = [b.buffer("input", 16), *(b.buffer("temp", 16) for _ in range(3))]
    _chain(b, values)
    homes = [value.slice.allocation for value in values[1:]]
    pairs = frozenset(pairwise(homes))
    program = replace(b.program(values[-1]), may_share=pairs)
    assert peak_bytes(program) == order_steps(program).temp_bytes == 64


def _chain(b: ProgramBuilder, values: list[Buffer]) -> None:
    for before, after in pairwise(values):
        b.call("mix", [before], after)
