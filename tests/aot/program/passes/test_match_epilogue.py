# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which expressions ``fuse_epilogues`` brings into the form of an epilogue."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.aot.program.passes.network import (
    BIAS,
    CHANNELS,
    INF,
    NO,
    ONE,
    OTHER,
    SUM,
    YES,
    Network,
    add,
    plain,
    relu,
    sigmoid,
)
from tfnative_aot.program.expression import Apply, ChannelConstant, Expression, Scalar
from tfnative_aot.program.passes.fuse_epilogues import fuse_epilogues

ACCEPTED: dict[str, tuple[Expression, tuple[bool, bool, float, float, str]]] = {
    "nothing": (SUM, (NO, NO, -INF, INF, "linear")),
    "bias": (add(SUM, BIAS), (YES, NO, -INF, INF, "linear")),
    "a number": (add(SUM, ONE), (YES, NO, -INF, INF, "linear")),
    "bias, on the left": (add(BIAS, SUM), (YES, NO, -INF, INF, "linear")),
    "bias in the kernel": (
        add(SUM, ChannelConstant(np.arange(CHANNELS, dtype=np.float32).tobytes())),
        (YES, NO, -INF, INF, "linear"),
    ),
    "relu": (relu(SUM), (NO, NO, 0, INF, "linear")),
    "bias and relu": (relu(add(SUM, BIAS)), (YES, NO, 0, INF, "linear")),
    "relu6": (
        Apply("clamp", (Scalar(0.0), add(SUM, BIAS), Scalar(6.0))),
        (YES, NO, 0, 6, "linear"),
    ),
    "minimum of maximum": (
        Apply("minimum", (Scalar(0.5), Apply("maximum", (Scalar(-0.5), SUM)))),
        (NO, NO, -0.5, 0.5, "linear"),
    ),
    "bounds that cross": (
        Apply("maximum", (Apply("minimum", (SUM, Scalar(-1.0))), Scalar(0.5))),
        (NO, NO, 0.5, 0.5, "linear"),
    ),
    "residual": (add(SUM, OTHER), (NO, YES, -INF, INF, "linear")),
    "residual, bias and relu": (
        relu(add(BIAS, add(OTHER, SUM))),
        (YES, YES, 0, INF, "linear"),
    ),
    "logistic": (Apply("logistic", (SUM,)), (NO, NO, -INF, INF, "sigmoid")),
    "sigmoid": (sigmoid(add(SUM, BIAS)), (YES, NO, -INF, INF, "sigmoid")),
    "swish": (
        Apply("multiply", (add(SUM, BIAS), sigmoid(add(SUM, BIAS)))),
        (YES, NO, -INF, INF, "swish"),
    ),
    "swish, gate first": (
        Apply("multiply", (Apply("logistic", (SUM,)), SUM)),
        (NO, NO, -INF, INF, "swish"),
    ),
    "tanh": (Apply("tanh", (add(SUM, BIAS),)), (YES, NO, -INF, INF, "tanh")),
    "tanh of relu": (Apply("tanh", (relu(SUM),)), (NO, NO, 0, INF, "tanh")),
}

REFUSED: dict[str, Expression] = {
    "the sum twice": add(SUM, SUM),
    "the sum in both operands": add(relu(SUM), Apply("tanh", (SUM,))),
    "no sum": add(OTHER, BIAS),
    "two residuals": add(add(SUM, OTHER), OTHER),
    "two biases": add(add(SUM, BIAS), BIAS),
    "a sum of other terms": add(SUM, add(OTHER, BIAS)),
    "a scale": Apply("multiply", (SUM, BIAS)),
    "a product with another value": Apply("multiply", (SUM, OTHER)),
    "a gate of another value": Apply("multiply", (SUM, sigmoid(OTHER))),
    "a gate of another sum": Apply("multiply", (SUM, sigmoid(add(SUM, BIAS)))),
    "a clamp before a bias": add(relu(SUM), BIAS),
    "an activation before a bias": add(Apply("tanh", (SUM,)), BIAS),
    "an activation before a clamp": relu(Apply("tanh", (SUM,))),
    "two activations": Apply("tanh", (Apply("tanh", (SUM,)),)),
    "a bound for each channel": Apply("maximum", (SUM, BIAS)),
    "a bound that is no number": Apply("maximum", (SUM, Scalar(math.nan))),
    "a subtraction": Apply("subtract", (SUM, OTHER)),
    "no sigmoid: 2 / (1 + exp(-x))": Apply(
        "divide", (Scalar(2.0), sigmoid(SUM).operands[1])
    ),
    "no sigmoid: 1 / (1 + exp(x))": Apply(
        "divide", (ONE, add(ONE, Apply("exponential", (SUM,))))
    ),
    "no sigmoid: 1 / (2 + exp(-x))": Apply(
        "divide",
        (ONE, add(Scalar(2.0), Apply("exponential", (Apply("negate", (SUM,)),)))),
    ),
    "a number": ONE,
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_reader_is_folded_in(name: str) -> None:
    expression, want = ACCEPTED[name]
    network = Network()
    network.follow(expression)
    assert plain(network.epilogue()) == want


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("name", REFUSED)
def test_an_expression_is_left_alone(name: str) -> None:
    network = Network()
    network.follow(REFUSED[name])
    if name != "a bound that is no number":
        network.check_refused()
    else:
        assert len(fuse_epilogues(network.b.packed(network.result)).steps) == 2
