# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which step wrote what a step reads, compared with runs of it byte by byte."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings, strategies as st

from tests.aot.program.random_programs import programs
from tfnative_aot.artifact.dataflow import Place, follow, touched
from tfnative_aot.emit.step_table import step_lines
from tfnative_aot.program.passes import run_passes
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Conditional, Step, While
from tfnative_aot.program.traverse import accesses, children, walk

_NOBODY = -(10**6)


class Run:
    """A run, in which each byte remembers its last writer."""

    def __init__(self, program: Program, choose: Callable[[int], int]) -> None:
        self._choose = choose
        self._memory: dict[int, npt.NDArray[np.int64]] = {}
        for a in program.allocations:
            kept = a.kind if a.kind in ("input", "constant") else ""
            writer = -1 - a.position if kept == "input" else _NOBODY
            self._memory[a.index] = np.full(a.size, writer)
        self._numbers = {id(s): n for n, s in enumerate(walk(program.steps))}
        self.reads: defaultdict[tuple[int, Place], set[int]] = defaultdict(set)
        self.sequence(program.steps)
        self.outputs = [self._writers(Place(s)) for s in program.caller_slices]

    def sequence(self, steps: Sequence[Step]) -> None:
        for step in steps:
            number = self._numbers[id(step)]
            if isinstance(step, While):
                rounds = step.trip_count
                for _ in range(self._choose(3) if rounds is None else rounds):
                    if rounds is None:
                        self.sequence(step.condition)
                        self._read(number, step)
                    self.sequence(step.body)
                if rounds is None:
                    self.sequence(step.condition)
                    self._read(number, step)
                continue
            self._read(number, step)
            if isinstance(step, Conditional):
                self.sequence(step.branches[self._choose(len(step.branches) - 1)])
                continue
            for nested in children(step):
                self.sequence(nested)
            for place in touched(step)[1]:
                low = place.slice.offset
                memory = self._memory[place.slice.allocation]
                memory[low : low + place.slice.size] = number

    def _read(self, number: int, step: Step) -> None:
        for place in touched(step)[0]:
            self.reads[number, place] |= self._writers(place)

    def _writers(self, place: Place) -> set[int]:
        low = place.slice.offset
        memory = self._memory[place.slice.allocation]
        found = memory[low : low + place.slice.size]
        return {int(number) for number in np.unique(found)} - {_NOBODY}


@settings(max_examples=60)
@given(programs(), st.data())
def test_whatever_happens_the_writer_is_among_those_that_are_named(
    program: Program, data: st.DataObject
):
    flow = follow(program)
    named = {
        (number, place): {writer.number for writer in writers}
        for number, step in enumerate(flow.steps)
        for place, writers in step.reads
    }
    run = Run(program, lambda most: data.draw(st.integers(0, most)))
    for key, writers in run.reads.items():
        assert writers <= named.get(key, set())
    for found, writers in zip(run.outputs, flow.outputs, strict=True):
        assert found <= {writer.number for writer in writers}
    if not any(isinstance(step, While | Conditional) for step in walk(program.steps)):
        assert {k: v for k, v in run.reads.items() if v} == {
            k: v for k, v in named.items() if v
        }


@settings(max_examples=40)
@given(programs())
def test_only_loops_carry_what_a_later_step_wrote(program: Program):
    flow = follow(program)
    for number, step in enumerate(flow.steps):
        inside = set()
        parent = step.parent
        while parent >= 0:
            inside.add(type(flow.steps[parent].step))
            parent = flow.steps[parent].parent
        for _, writers in step.reads:
            for writer in writers:
                if writer.carried:
                    assert While in inside
                    assert writer.number >= number


@settings(max_examples=40)
@given(programs())
def test_steps_have_the_numbers_that_the_library_gives_them(program: Program):
    finished = run_passes(program)
    flow = follow(finished)
    assert [each.step for each in flow.steps] == list(walk(finished.steps))
    assert len(step_lines(finished)) == len(flow.steps)


@settings(max_examples=40)
@given(programs())
def test_a_step_reads_and_writes_what_the_compiler_says(program: Program):
    for step in walk(program.steps):
        for mine, its in zip(touched(step), accesses(step), strict=True):
            known = {place.slice for place in mine}
            # An array that is sorted in place is read and written.
            assert known == set(its)
