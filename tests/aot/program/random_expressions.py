# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What hypothesis draws for element-wise kernels."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tfnative_aot.program.expression import (
    Apply,
    Channel,
    ChannelConstant,
    Element,
    Expression,
    Scalar,
)


def draw_expression(draw: st.DrawFn, count: int, bias: bytes) -> Expression:
    """Something over ``count`` elements and a bias; mostly what can be folded.

    Args:
        draw: Of hypothesis.
        count: How many arguments are elements; one after them is of channels.
        bias: For a constant inside of the kernel.
    """
    e: Expression = Element(0)
    terms: list[Expression] = [Element(i) for i in range(1, count)]
    if draw(st.booleans()):
        added = draw(st.sampled_from([Channel(count), ChannelConstant(bias)]))
        terms.insert(draw(st.integers(0, len(terms))), added)
    for plain in terms:
        operation = draw(st.sampled_from(["add", "add", "add", "multiply"]))
        # Factors are small, so that results are.
        computed = operation == "multiply" or draw(st.integers(0, 2)) == 2
        term = Apply("tanh", (plain,)) if computed else plain
        e = swapped(draw, Apply(operation, (e, term)))
    logistic = Apply("logistic", (e,))
    kinds = [
        e,
        Apply("maximum", (e, Scalar(0.0))),
        Apply("clamp", (Scalar(0.0), e, Scalar(6.0))),
        Apply("tanh", (e,)),
        logistic,
        Apply("multiply", (e, logistic)),
    ]
    return draw(st.sampled_from(kinds))


def swapped(draw: st.DrawFn, e: Apply) -> Apply:
    """Perhaps with its two operands exchanged."""
    return replace(e, operands=e.operands[::-1]) if draw(st.booleans()) else e


def shifted(e: Expression, by: int) -> Expression:
    """The expression over arguments that are preceded by ``by`` others."""
    if isinstance(e, Apply):
        return replace(e, operands=tuple(shifted(o, by) for o in e.operands))
    if isinstance(e, Element | Channel):
        return replace(e, argument=e.argument + by)
    return e
