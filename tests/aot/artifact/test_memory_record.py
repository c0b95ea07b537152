# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What program.json says of the workspace is what the steps do with it."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings

from tests.aot.program.random_programs import programs
from tfnative._manifest.memory import MemoryRecord
from tfnative._manifest.program import from_json, to_json
from tfnative_aot.artifact.dataflow import follow
from tfnative_aot.artifact.memory_record import record_memory
from tfnative_aot.artifact.program_record import record_program
from tfnative_aot.program.passes import run_passes
from tfnative_aot.program.passes.order_steps import peak_bytes
from tfnative_aot.program.program import Program
from tfnative_aot.program.traverse import slices, walk


def record(program: Program) -> MemoryRecord:
    return record_memory(program, follow(program).steps)


@settings(max_examples=40)
@given(programs())
def test_every_byte_that_a_step_touches_is_of_a_value_that_is_alive(program: Program):
    finished = run_passes(program)
    memory = record(finished)
    for number, step in enumerate(walk(finished.steps)):
        alive = memory.alive(number)
        for place in slices(step):
            if place.allocation not in finished.temp_offsets or not place.size:
                continue
            low = finished.temp_offsets[place.allocation] + place.offset
            high = low + place.size
            assert any(v.offset <= low and high <= v.offset + v.size for v in alive)


@settings(max_examples=40)
@given(programs())
def test_values_that_are_alive_at_once_lie_apart(program: Program):
    memory = record(run_passes(program))
    for a, b in combinations(memory.values, 2):
        if a.first <= b.last and b.first <= a.last:
            assert a.offset + a.size <= b.offset or b.offset + b.size <= a.offset
    assert all(v.offset + v.size <= memory.size for v in memory.values)


@settings(max_examples=40)
@given(programs())
def test_the_peak_is_the_compilers(program: Program):
    finished = run_passes(program)
    count = len(list(walk(finished.steps)))
    memory = record(finished)
    after = sum(v.size for v in memory.values if v.last == count)
    assert max([*memory.live_bytes(count), after]) == peak_bytes(finished)
    assert memory.size == finished.temp_bytes
    assert memory.xla_order_bytes == finished.xla_order_bytes


@settings(max_examples=10)
@given(programs())
def test_it_is_read_as_it_was_written(program: Program):
    finished = run_passes(program)
    count = len(finished.caller_slices)
    names = [f"y{number}" for number in range(count)]
    written = record_program(finished, "serving_default", [], names)
    assert from_json(to_json((written,))) == (written,)
