# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reductions come apart from what they reduce, if a kernel of ours computes that."""

from __future__ import annotations

import numpy as np

from tests.aot.program.interpreter import interpret
from tests.aot.program.program_builder import ProgramBuilder, inputs_of
from tfnative_aot.program.expression import Apply, Element, Scalar
from tfnative_aot.program.passes import run_passes
from tfnative_aot.program.passes.pack_weights import pack_weights
from tfnative_aot.program.passes.separate_values import separate_values
from tfnative_aot.program.passes.split_reductions import split_reductions
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Dot, Kernel, ReduceWindow

ROWS, CHANNELS = 6, 8
RELU = Apply("maximum", (Element(0), Scalar(0.0)))


def outputs_of(program: Program) -> np.ndarray:
    return np.concatenate(
        [o.reshape(-1) for o in interpret(program, inputs_of(program), {})]
    )


def check_same(program: Program) -> Program:
    """The program after all passes, which must compute the same."""
    passed = run_passes(program)
    np.testing.assert_allclose(outputs_of(passed), outputs_of(program), rtol=1e-4)
    return passed


def test_what_follows_a_product_becomes_its_epilogue() -> None:
    b = ProgramBuilder()
    product, out = b.buffer("temp", ROWS, CHANNELS), b.buffer("output", 1, CHANNELS)
    b.dot(b.buffer("input", ROWS, 5), product)
    b.reduced(RELU, [product], out)
    dot, reduction = check_same(b.program(out)).steps
    assert isinstance(dot, Dot)
    assert dot.epilogue.low == 0.0
    assert isinstance(reduction, ReduceWindow)
    assert reduction.lhs == dot.out


def test_what_follows_nothing_of_ours_stays_in_one_kernel() -> None:
    b = ProgramBuilder()
    x, out = b.buffer("input", ROWS, CHANNELS), b.buffer("output", 1, CHANNELS)
    kernel = b.reduced(RELU, [x], out)
    assert [s.source for s in check_same(b.program(out)).steps] == [kernel.source]


def test_each_reduction_is_split_or_not_for_itself() -> None:
    b = ProgramBuilder()
    x = b.buffer("input", ROWS, CHANNELS)
    product = b.buffer("temp", ROWS, CHANNELS)
    first, second = b.buffer("output", 1, CHANNELS), b.buffer("output", 1, CHANNELS)
    b.reduced(RELU, [x], first)
    b.dot(x, product)
    b.reduced(RELU, [product], second)
    kinds = [type(s) for s in check_same(b.program(first, second)).steps]
    assert kinds == [Kernel, Dot, ReduceWindow]


def test_values_that_are_needed_elsewhere_keep_the_kernel_whole() -> None:
    b = ProgramBuilder()
    product, out = b.buffer("temp", ROWS, CHANNELS), b.buffer("output", 1, CHANNELS)
    copy = b.buffer("output", ROWS, CHANNELS)
    b.dot(b.buffer("input", ROWS, 5), product)
    b.kernel(Apply("negate", (Element(0),)), [product], copy)
    b.reduced(RELU, [product], out)
    passed = check_same(b.program(out, copy))
    assert [type(s) for s in passed.steps] == [Dot, Kernel, Kernel]
    assert all(s.symbol for s in passed.steps if isinstance(s, Kernel))


def test_what_is_not_folded_in_is_as_it_was() -> None:
    b = ProgramBuilder()
    x, out = b.buffer("input", ROWS, CHANNELS), b.buffer("output", 1, CHANNELS)
    b.reduced(RELU, [x], out)
    program = separate_values(pack_weights(b.program(out)))
    assert split_reductions(program, lambda p: p) == program
