# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Two reductions become one only if that computes the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.aot.program.interpreter import interpret
from tests.aot.program.program_builder import FUNCTIONS, ProgramBuilder, inputs_of
from tfnative_aot.program.passes.merge_reductions import merge_reductions
from tfnative_aot.program.program import Program

ROWS, CHANNELS, SIZE = 70, 3, 32
PARTS = 3


def outputs_of(program: Program) -> list[np.ndarray]:
    return interpret(program, inputs_of(program), FUNCTIONS)


def pair(b: ProgramBuilder, first: dict[str, Any], second: dict[str, Any]) -> Program:
    x = b.buffer("input", ROWS, CHANNELS)
    parts, out = b.buffer("temp", PARTS, CHANNELS), b.buffer("output", 1, CHANNELS)
    b.reduce(x, parts, size=SIZE, **first)
    b.reduce(parts, out, **second)
    return b.program(out)


@pytest.fixture
def b() -> ProgramBuilder:
    return ProgramBuilder()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({}, {"scale": 0.5}),
        ({"padding_low": (0, 0, 26)}, {}),
        ({"operation": "max", "init": 0.5}, {"operation": "max", "init": 0.5}),
    ],
)
def test_partial_results_go_away(
    b: ProgramBuilder, first: dict[str, Any], second: dict[str, Any]
) -> None:
    program = pair(b, first, second)
    merged = merge_reductions(program)
    assert len(merged.steps) == 1
    for want, got in zip(outputs_of(program), outputs_of(merged), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"scale": 0.5}, {}),
        ({"operation": "max", "init": -9.0}, {}),
        ({"init": 1.0}, {"init": 1.0}),
        ({"stride": (1, 1, 16)}, {}),
        ({"padding_low": (0, 0, -4)}, {}),
        ({"padding_low": (0, 0, 30)}, {}),
        ({"window_dilation": (1, 1, 2)}, {}),
        ({}, {"kernel_size": (1, 1, 2)}),
    ],
)
def test_pairs_that_compute_something_else_stay(
    b: ProgramBuilder, first: dict[str, Any], second: dict[str, Any]
) -> None:
    program = pair(b, first, second)
    assert merge_reductions(program) == program


def _read_again(b: ProgramBuilder, x: Any, parts: Any) -> None:
    b.call("mix", [parts], b.buffer("output", 1, 1))


def _input_overwritten(b: ProgramBuilder, x: Any, parts: Any) -> None:
    b.call("mix", [parts], x)


@pytest.mark.parametrize("between", [_read_again, _input_overwritten])
def test_partial_results_that_others_need_stay(
    b: ProgramBuilder, between: Callable[[ProgramBuilder, Any, Any], None]
) -> None:
    x, parts = b.buffer("temp", ROWS, CHANNELS), b.buffer("temp", PARTS, CHANNELS)
    out = b.buffer("output", 1, CHANNELS)
    b.call("mix", [b.buffer("input", 4, 4)], x)
    b.reduce(x, parts, size=SIZE)
    between(b, x, parts)
    b.reduce(parts, out)
    program = b.program(out)
    assert merge_reductions(program) == program
