# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A value is found in memory only where it was computed, and is still there."""

from __future__ import annotations

import pytest

from tests.aot.program.program_builder import ProgramBuilder
from tfnative_aot.program.expression import Apply, Element
from tfnative_aot.program.memory import Buffer
from tfnative_aot.program.passes.known_results import KnownResults

TANH = Apply("tanh", (Element(0),))


class Steps:
    """A kernel writes tanh of a value, and a later one could read that."""

    def __init__(self) -> None:
        self.b = ProgramBuilder()
        self.value = self.b.buffer("temp", 3, 4)
        self.written = self.b.buffer("temp", 3, 4)
        self.b.call("mix", [self.b.buffer("input", 3, 4)], self.value)
        self.b.kernel(TANH, [self.value], self.written)

    def found(self, e: Apply = TANH) -> Buffer | None:
        reader = self.b.kernel(e, [self.value], self.b.buffer("output", 3, 4))
        return KnownResults(self.b.steps).find(e, reader)


def test_a_value_is_where_a_step_before_wrote_it() -> None:
    steps = Steps()
    assert steps.found() == steps.written


def test_another_expression_is_another_value() -> None:
    assert Steps().found(Apply("negate", (Element(0),))) is None


@pytest.mark.parametrize("which", ["value", "written"])
def test_a_value_is_gone_once_it_or_its_argument_is_written_over(which: str) -> None:
    steps = Steps()
    steps.b.call("mix", [steps.b.buffer("input", 3, 4)], getattr(steps, which))
    assert steps.found() is None


def test_writing_to_other_memory_changes_nothing() -> None:
    steps = Steps()
    steps.b.call("mix", [steps.value], steps.b.buffer("temp", 3, 4))
    assert steps.found() == steps.written


def test_a_kernel_that_works_in_place_leaves_nothing_to_find() -> None:
    b = ProgramBuilder()
    value = b.buffer("temp", 3, 4)
    b.kernel(TANH, [value], value)
    reader = b.kernel(TANH, [value], b.buffer("output", 3, 4))
    assert KnownResults(b.steps).find(TANH, reader) is None


def test_a_value_that_is_computed_later_is_not_there_yet() -> None:
    b = ProgramBuilder()
    value, written = b.buffer("input", 3, 4), b.buffer("temp", 3, 4)
    reader = b.kernel(TANH, [value], b.buffer("output", 3, 4))
    b.kernel(TANH, [value], written)
    assert KnownResults(b.steps).find(TANH, reader) is None


@pytest.mark.parametrize("operation", ["add", "multiply", "maximum", "minimum"])
def test_the_order_of_operands_does_not_matter_where_they_commute(
    operation: str,
) -> None:
    for name, is_found in ((operation, True), ("subtract", False)):
        b = ProgramBuilder()
        x, y, written = b.buffer("input", 3), b.buffer("input", 3), b.buffer("temp", 3)
        b.kernel(Apply(name, (Element(0), Element(1))), [x, y], written)
        reader = b.kernel(
            Apply(name, (Element(1), Element(0))), [x, y], b.buffer("output", 3)
        )
        known = KnownResults(b.steps)
        found = known.find(Apply(name, (Element(1), Element(0))), reader)
        assert found == (written if is_found else None)
