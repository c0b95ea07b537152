# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A product and what follows it, for tests of ``fuse_epilogues``."""

from __future__ import annotations

import math

import numpy as np

from tests.aot.program.interpreter import interpret
from tests.aot.program.program_builder import (
    FUNCTIONS,
    IN_PLACE,
    ProgramBuilder,
    inputs_of,
)
from tfnative_aot.program.expression import Apply, Channel, Element, Expression, Scalar
from tfnative_aot.program.passes.assign_memory import assign_memory
from tfnative_aot.program.passes.fuse_epilogues import fuse_epilogues
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Convolution, Dot, Epilogue

ROWS, CHANNELS = 3, 20
SUM, OTHER, BIAS = Element(0), Element(1), Channel(2)
ONE = Scalar(1.0)


def add(*operands: Expression) -> Apply:
    return Apply("add", operands)


def relu(x: Expression) -> Apply:
    return Apply("maximum", (x, Scalar(0.0)))


def sigmoid(x: Expression) -> Apply:
    below = add(Apply("exponential", (Apply("negate", (x,)),)), ONE)
    return Apply("divide", (ONE, below))


class Network:
    """sums = x * weights, and buffers for what follows."""

    def __init__(self) -> None:
        self.b = ProgramBuilder()
        self.x = self.b.buffer("input", ROWS, 8)
        self.residual = self.b.buffer("input", ROWS, CHANNELS)
        self.bias = self.b.constant(CHANNELS)
        self.sums = self.b.buffer("temp", ROWS, CHANNELS)
        self.result = self.b.buffer("temp", ROWS, CHANNELS)
        self.b.dot(self.x, self.sums)

    def follow(self, e: Expression) -> None:
        self.b.kernel(e, [self.sums, self.residual, self.bias], self.result)

    def fuse(self) -> Program:
        """The fused program; it computes the same, wherever its values are placed."""
        before = self.b.packed(self.result)
        after = fuse_epilogues(before)
        inputs = inputs_of(before)
        want = interpret(before, inputs, FUNCTIONS, IN_PLACE)
        got = interpret(assign_memory(after), inputs, FUNCTIONS, IN_PLACE)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
        return after

    def epilogue(self) -> Epilogue:
        """Of the only step that is left."""
        (step,) = self.fuse().steps
        assert isinstance(step, Dot | Convolution)
        return step.epilogue

    def check_refused(self) -> None:
        assert len(self.fuse().steps) == len(self.b.steps)


def plain(epilogue: Epilogue) -> tuple[bool, bool, float, float, str]:
    e = epilogue
    return e.bias is not None, e.addend is not None, e.low, e.high, e.activation


NO, YES, INF = False, True, math.inf
