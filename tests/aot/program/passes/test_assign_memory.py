# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Values that are alive at once lie apart, and others in the same memory."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

from hypothesis import given, strategies as st

from tests.aot.program.program_builder import ProgramBuilder
from tfnative_aot.program.memory import Buffer
from tfnative_aot.program.passes.assign_memory import assign_memory
from tfnative_aot.program.passes.lives import ALIGNMENT
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Call


def chain(*sizes: int) -> tuple[ProgramBuilder, list[Buffer]]:
    """Each value is computed from the one before; the last one is an output."""
    b = ProgramBuilder()
    values = [b.buffer("input", 16), *(b.buffer("temp", size) for size in sizes)]
    for before, after in pairwise(values):
        b.call("mix", [before], after)
    return b, values[1:]


def test_only_neighbours_of_a_chain_are_alive_at_once() -> None:
    b, values = chain(16, 16, 16, 16)
    assert assign_memory(b.program(values[-1])).temp_bytes == 2 * 64


def test_a_value_lives_until_its_last_reader() -> None:
    b, values = chain(16, 16, 16)
    b.call("mix", [values[0]], b.buffer("output", 16))
    assert assign_memory(b.program()).temp_bytes == 3 * 64


def test_outputs_live_to_the_end() -> None:
    b, values = chain(16, 16, 16)
    assert assign_memory(b.program(*values)).temp_bytes == 3 * 64


def test_what_nested_steps_touch_is_alive_at_once() -> None:
    b, _ = chain(16, 16, 16, 16)
    b.steps[:] = [Call(b.source("call"), tuple(b.steps))]
    assert assign_memory(b.program()).temp_bytes == 4 * 64


def test_places_are_aligned() -> None:
    b, values = chain(1, 17, 3)
    program = assign_memory(b.program(*values))
    assert set(program.temp_offsets) == {v.slice.allocation for v in values}
    assert all(offset % ALIGNMENT == 0 for offset in program.temp_offsets.values())
    assert program.temp_bytes == 64 + 128 + 64


def test_what_no_step_touches_takes_no_memory() -> None:
    b, values = chain(16)
    b.buffer("temp", 1000)
    assert assign_memory(b.program(values[0])).temp_bytes == 64


def test_programs_without_temporary_values_have_no_workspace() -> None:
    b = ProgramBuilder()
    b.call("mix", [b.buffer("input", 4)], b.buffer("output", 4))
    program = assign_memory(b.program())
    assert (program.temp_bytes, program.temp_offsets) == (0, {})


def share(program: Program, *pairs: tuple[Buffer, Buffer]) -> Program:
    indices = frozenset((a.slice.allocation, b.slice.allocation) for a, b in pairs)
    return assign_memory(replace(program, may_share=indices))


def test_a_value_may_begin_where_its_operand_ends() -> None:
    b, values = chain(16, 16, 16)
    pairs = pairwise(values)
    program = share(b.program(values[-1]), *pairs)
    assert program.temp_bytes == 64
    assert set(program.temp_offsets.values()) == {0}


def test_an_operand_that_is_read_again_is_not_overwritten() -> None:
    b, values = chain(16, 16)
    b.call("mix", [values[0]], b.buffer("output", 16))
    assert share(b.program(values[1]), (values[0], values[1])).temp_bytes == 2 * 64


def test_an_operand_that_is_an_output_is_not_overwritten() -> None:
    b, values = chain(16, 16)
    assert share(b.program(*values), (values[0], values[1])).temp_bytes == 2 * 64


def test_only_one_value_takes_the_place_of_an_operand() -> None:
    b = ProgramBuilder()
    values = [b.buffer("temp", 16) for _ in range(3)]
    b.call("mix", [b.buffer("input", 4)], values[0])
    b.call("mix", [values[0]], values[1], values[2])
    pairs = [(values[0], values[1]), (values[0], values[2])]
    assert share(b.program(*values[1:]), *pairs).temp_bytes == 2 * 64


def test_pairs_of_other_sizes_or_without_values_are_ignored() -> None:
    b, values = chain(16, 32)
    unused = b.buffer("temp", 16)
    pairs = [(values[0], values[1]), (values[1], unused)]
    assert share(b.program(values[1]), *pairs).temp_bytes == 64 + 128


spans = st.tuples(st.integers(1, 200), st.integers(0, 9), st.integers(0, 9))


@given(st.lists(spans, min_size=1, max_size=14))
def test_values_alive_at_once_lie_apart(drawn: list[tuple[int, int, int]]) -> None:
    b = ProgramBuilder()
    x = b.buffer("input", 4)
    values = [b.buffer("temp", size) for size, _, _ in drawn]
    lives = [(min(a, z), max(a, z)) for _, a, z in drawn]
    for time in range(10):
        alive = [v for v, (a, z) in zip(values, lives, strict=True) if time in (a, z)]
        b.call("mix", [x], *alive)
    program = assign_memory(b.program())
    used = [0] * 10
    for value, (first, last) in zip(values, lives, strict=True):
        for time in range(first, last + 1):
            used[time] += -(-value.slice.size // ALIGNMENT) * ALIGNMENT
    assert program.temp_bytes >= max(used)
    for (u, one), (v, two) in combinations(zip(values, lives, strict=True), 2):
        if one[0] <= two[1] and two[0] <= one[1]:
            low = program.temp_offsets[u.slice.allocation]
            start = program.temp_offsets[v.slice.allocation]
            assert low + u.slice.size <= start or start + v.slice.size <= low
            assert max(low + u.slice.size, start + v.slice.size) <= program.temp_bytes
