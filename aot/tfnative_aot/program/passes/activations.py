# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Recognises activations, which XLA spells out in arithmetic."""

from __future__ import annotations

from tfnative_aot.program.expression import Apply, Expression, Scalar
from tfnative_aot.program.steps import Activation


def read_activation(e: Apply) -> tuple[Activation, Expression] | None:
    """The activation that ``e`` is, and what it is applied to."""
    if e.operation == "tanh":
        return "tanh", e.operands[0]
    if (inside := _sigmoid(e)) is not None:
        return "sigmoid", inside
    if e.operation == "multiply":
        for x, gate in (e.operands, e.operands[::-1]):
            if isinstance(gate, Apply) and _sigmoid(gate) == x:
                return "swish", x
    return None


def _sigmoid(e: Apply) -> Expression | None:
    """What ``e`` is the logistic function of, or None.

    XLA spells it out as 1 / (1 + exp(-x)).
    """
    if e.operation == "logistic":
        return e.operands[0]
    one = Scalar(1.0)
    if e.operation != "divide" or e.operands[0] != one:
        return None
    below = e.operands[1]
    if not isinstance(below, Apply) or below.operation != "add":
        return None
    for first, power in (below.operands, below.operands[::-1]):
        if first != one or not isinstance(power, Apply):
            continue
        inside = power.operands[0]
        if (
            power.operation == "exponential"
            and isinstance(inside, Apply)
            and inside.operation == "negate"
        ):
            return inside.operands[0]
    return None
