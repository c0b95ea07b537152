# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Values get allocations of their own, unless steps expect them in one place."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.aot.program.program_builder import ProgramBuilder, row_major
from tfnative_aot.program.expression import Apply, Element
from tfnative_aot.program.memory import Allocation, Buffer, Slice
from tfnative_aot.program.passes.pack_weights import pack_weights
from tfnative_aot.program.passes.separate_values import separate_values
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Call, Conditional, Copy, Kernel, Sort, While
from tfnative_aot.program.traverse import walk

TANH = Apply("tanh", (Element(0),))


Nesting = int | Literal["loop", "branch", "call"]


class Temp:
    """A builder whose temp values lie in one allocation of 256 bytes."""

    def __init__(self) -> None:
        self.b = ProgramBuilder()
        self.x = self.b.buffer("input", 16)
        self.out = self.b.buffer("output", 16)
        self.index = len(self.b.allocations)
        self.b.allocations.append(Allocation(self.index, 256, "temp"))

    def at(self, offset: int, elements: int = 16) -> Buffer:
        return Buffer(Slice(self.index, offset, 4 * elements), row_major(elements))

    def mix(self, source: Buffer, *results: Buffer) -> Kernel:
        return self.b.call("mix", [source], *results)

    def nest(self, count: int, nesting: Nesting) -> None:
        """Puts the last steps into another one."""
        body = tuple(self.b.steps[-count:])
        del self.b.steps[-count:]
        source, flag = self.b.source("nested"), self.b.buffer("temp", 1).slice
        if nesting == "call":
            self.b.steps.append(Call(source, body))
        elif nesting == "branch":
            self.b.steps.append(Conditional(source, (body, ()), flag))
        else:
            trips = None if nesting == "loop" else nesting
            self.b.steps.append(While(source, (), body, flag, trips))

    def separate(self) -> Program:
        return separate_values(pack_weights(self.b.program(self.out)))


def kernels(program: Program) -> list[Kernel]:
    return [step for step in walk(program.steps) if isinstance(step, Kernel)]


def home(buffer: Buffer) -> int:
    return buffer.slice.allocation


def test_two_values_in_one_place_are_told_apart() -> None:
    t = Temp()
    t.mix(t.x, t.at(0))
    t.mix(t.at(0), t.out)
    t.mix(t.x, t.at(0))
    t.mix(t.at(0), t.out)
    program = t.separate()
    first, reader, second, last = kernels(program)
    assert home(first.results[0]) == home(reader.arguments[0])
    assert home(second.results[0]) == home(last.arguments[0])
    assert home(first.results[0]) != home(second.results[0])
    assert program.allocations[t.index].kind == "none"
    assert program.xla_temp_bytes == 256


def test_a_value_that_is_written_in_parts_is_one() -> None:
    t = Temp()
    t.mix(t.x, t.at(64))
    t.mix(t.x, t.at(128))
    t.mix(t.at(64, 32), t.out)
    program = t.separate()
    low, high, reader = kernels(program)
    assert low.results[0].slice == Slice(home(low.results[0]), 0, 64)
    assert high.results[0].slice == Slice(home(low.results[0]), 64, 64)
    assert reader.arguments[0].slice == Slice(home(low.results[0]), 0, 128)
    assert program.allocations[home(low.results[0])].size == 128


def test_bytes_in_a_value_keep_their_alignment() -> None:
    t = Temp()
    t.mix(t.x, t.at(80, 4))
    (step,) = kernels(t.separate())
    assert step.results[0].slice.offset == 16


def test_a_kernel_of_unknown_content_may_keep_bytes_of_what_it_changes() -> None:
    t = Temp()
    t.mix(t.x, t.at(0))
    t.b.call("update", [t.at(0), t.x], t.at(0))
    made, changed = kernels(t.separate())
    assert home(made.results[0]) == home(changed.results[0])


def test_sorted_arrays_stay_in_place() -> None:
    t = Temp()
    t.mix(t.x, t.at(0))
    t.b.steps.append(Sort(t.b.source("sort"), "less", 1, 16, 1, (t.at(0),)))
    made, sort = t.separate().steps
    assert isinstance(made, Kernel)
    assert isinstance(sort, Sort)
    assert home(made.results[0]) == home(sort.arrays[0])


def test_a_kernel_that_xla_compiled_to_work_in_place_stays_in_place() -> None:
    t = Temp()
    t.mix(t.x, t.at(0))
    t.b.kernel(TANH, [t.at(0)], t.at(0))
    program = t.separate()
    _, kernel = kernels(program)
    assert home(kernel.arguments[0]) == home(kernel.results[0])
    assert not program.may_share


def test_what_xla_kept_apart_may_not_share() -> None:
    t = Temp()
    t.mix(t.x, t.at(0))
    t.b.kernel(TANH, [t.at(0)], t.at(64))
    assert not t.separate().may_share


@pytest.mark.parametrize("is_lhs", [False, True])
def test_a_product_may_overwrite_what_it_adds(is_lhs: bool) -> None:
    t = Temp()
    square = Buffer(t.at(0).slice, row_major(4, 4))
    other = Buffer(t.at(64).slice, row_major(4, 4))
    t.mix(t.x, square)
    t.mix(t.x, other)
    t.b.dot(square if is_lhs else other, square, addend=square)
    assert len(t.separate().may_share) == (not is_lhs)


def test_values_that_do_not_start_together_may_not_share() -> None:
    """One of the two was joined with what lies before it."""
    t = Temp()
    t.mix(t.x, t.at(0))
    t.mix(t.x, t.at(64))
    t.mix(t.at(0, 32), t.out)
    t.b.kernel(TANH, [t.at(64)], t.at(64))
    t.mix(t.x, t.at(128))
    t.mix(t.at(64, 32), t.out)
    assert not t.separate().may_share


def test_overlapping_values_in_a_loop_stay_together() -> None:
    t = Temp()
    t.mix(t.x, t.at(0, 16))
    t.mix(t.x, t.at(0, 32))
    t.nest(2, nesting=1)
    first, second = kernels(t.separate())
    assert home(first.results[0]) == home(second.results[0])


@pytest.mark.parametrize(
    ("nesting", "same"),
    [(0, True), (2, False), ("loop", True), ("branch", True), ("call", False)],
)
def test_what_a_step_may_leave_as_it_was_is_one_value(
    nesting: Nesting, same: bool
) -> None:
    t = Temp()
    before = t.mix(t.x, t.at(0))
    t.mix(t.x, t.at(0))
    t.nest(1, nesting)
    t.mix(t.at(0), t.out)
    before, inside, after = kernels(t.separate())
    assert home(inside.results[0]) == home(after.arguments[0])
    assert (home(before.results[0]) == home(inside.results[0])) == same


def test_what_a_loop_reads_first_comes_from_before_it() -> None:
    t = Temp()
    t.mix(t.x, t.at(0))
    t.mix(t.at(0), t.at(64))
    t.mix(t.at(64), t.at(0))
    t.nest(2, nesting=2)
    before, _, inside = kernels(t.separate())
    assert home(before.results[0]) == home(inside.results[0])


def test_what_a_loop_writes_first_is_a_new_value() -> None:
    t = Temp()
    t.mix(t.x, t.at(0))
    t.mix(t.at(0), t.out)
    t.mix(t.x, t.at(0, 32))
    t.nest(1, nesting=2)
    before, _, inside = kernels(t.separate())
    assert home(before.results[0]) != home(inside.results[0])


def test_an_output_in_the_workspace_is_followed() -> None:
    t = Temp()
    t.mix(t.x, t.at(0))
    t.out = t.at(0)
    program = t.separate()
    (made,) = kernels(program)
    assert program.output_slices == (made.results[0].slice,)


def test_empty_arrays_have_a_place() -> None:
    t = Temp()
    t.b.steps.append(Copy(t.b.source("copy"), t.at(64, 0), t.at(128, 0)))
    (copy,) = t.separate().steps
    assert isinstance(copy, Copy)
    kinds = [t.separate().allocations[home(b)].kind for b in (copy.src, copy.dst)]
    assert kinds == ["temp", "temp"]
