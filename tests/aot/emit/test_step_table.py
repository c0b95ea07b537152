# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An artifact has a line for each step, in the order of the emitted C."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.aot.program.program_builder import ProgramBuilder
from tfnative_aot.emit.step_table import flops, kind, step_lines
from tfnative_aot.program.memory import Slice
from tfnative_aot.program.steps import Call, Dot, Source, While


@pytest.fixture
def b() -> ProgramBuilder:
    return ProgramBuilder()


def test_a_line_has_depth_kind_work_op_and_name(b: ProgramBuilder) -> None:
    step = b.call("mix", [b.buffer("input", 4)], b.buffer("output", 4))
    b.steps = [replace(step, source=Source("fusion.7", "model/Relu", "Relu"))]
    assert step_lines(b.program()) == ["0\tkernel\t0\tRelu\tmodel/Relu"]


def test_a_step_without_op_has_its_hlo_name(b: ProgramBuilder) -> None:
    b.call("mix", [], b.buffer("output", 4))
    assert step_lines(b.program()) == ["0\tkernel\t0\t\tmix.1"]


def test_tabs_in_names_do_not_end_fields(b: ProgramBuilder) -> None:
    step = b.call("mix", [], b.buffer("output", 4))
    b.steps = [replace(step, source=Source("x", "a\tb", "Op"))]
    assert step_lines(b.program()) == ["0\tkernel\t0\tOp\ta b"]


def test_nested_steps_follow_the_step_that_they_are_in(b: ProgramBuilder) -> None:
    one, two, three = (
        b.call(name, [], b.buffer("output", 4)) for name in ("one", "two", "three")
    )
    loop = While(Source("while"), (one,), (two,), Slice(0, 0, 1), None)
    b.steps = [Call(Source("call"), (loop,)), three]
    found = [line.split("\t") for line in step_lines(b.program())]
    assert [(depth, name) for depth, _, _, _, name in found] == [
        ("0", "call"),
        ("1", "while"),
        ("2", "one.1"),
        ("2", "two.2"),
        ("0", "three.3"),
    ]


def test_the_work_of_a_product_is_two_per_multiplication(b: ProgramBuilder) -> None:
    kernel = b.dot(b.buffer("input", 3, 8), b.buffer("output", 3, 20))
    assert isinstance(kernel.dot, Dot)
    assert flops(kernel.dot) == 2 * 3 * 8 * 20
    assert flops(replace(kernel.dot, batch=5)) == 5 * 2 * 3 * 8 * 20
    assert flops(kernel) == 0  # It may do more than that.


@pytest.mark.parametrize(("groups", "factor"), [(1, 8), (4, 2), (8, 1)])
def test_the_work_of_a_convolution_is_that_of_its_groups(
    b: ProgramBuilder, groups: int, factor: int
) -> None:
    x, out = b.buffer("input", 5, 8), b.buffer("output", 5, 8)
    step = b.convolution(x, out, taps=3, groups=groups)
    assert flops(step) == 2 * (5 * 8) * 3 * factor
    assert flops(replace(step, kernel="winograd")) == flops(step)


@pytest.mark.parametrize(
    ("kernel", "name"),
    [
        ("any", "convolution"),
        ("packed", "convolution"),
        ("depthwise", "depthwise convolution"),
        ("winograd", "winograd convolution"),
    ],
)
def test_convolutions_are_told_apart(b: ProgramBuilder, kernel: str, name: str) -> None:
    step = b.convolution(b.buffer("input", 5, 8), b.buffer("output", 5, 8))
    assert kind(replace(step, kernel=kernel)) == name  # type: ignore[arg-type]
