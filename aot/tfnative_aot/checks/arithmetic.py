# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arithmetic: integers that are divided by zero, numbers that must be finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import Finding, first, has_no_elements, literal

_BY_ZERO = "Integer division by zero"
_TRUNCATING = (
    "Unexpected error in binary operator (only integer div and mod should have errors)"
)


def _division(message: str) -> Callable[[Any, Facts], list[Finding]]:
    def rule(node: Any, facts: Facts) -> list[Finding]:
        divisor = node.inputs[1]
        if not divisor.dtype.is_integer or has_no_elements(node.outputs[0]):
            return []
        if not facts.interval(divisor).has(0):
            return []
        return [Finding(message, first(tf.equal(divisor, 0)), (), divisor)]

    return rule


def power(node: Any, facts: Facts) -> list[Finding]:
    """Pow: exponents of integers are not negative."""
    exponent = node.inputs[1]
    if not exponent.dtype.is_integer or has_no_elements(node.outputs[0]):
        return []
    if facts.interval(exponent).first >= 0:
        return []
    message = "Integers to negative integer powers are not allowed"
    return [Finding(message, first(exponent < 0), (), exponent)]


def finite(node: Any, facts: Facts) -> list[Finding]:
    """CheckNumerics: there is neither NaN nor an infinity."""
    (tensor,) = node.inputs
    if has_no_elements(tensor):
        return []
    nan = tf.math.is_nan(tensor)
    position = first(~tf.math.is_finite(tensor))
    has_nan = tf.reduce_any(nan)
    has_inf = tf.reduce_any(tf.math.is_inf(tensor))
    kinds = [
        (has_inf & has_nan, "Inf and NaN"),
        (has_inf & ~has_nan, "Inf"),
        (has_nan & ~has_inf, "NaN"),
    ]
    return _kinds(node, position, kinds)


def finite_with_signs(node: Any, facts: Facts) -> list[Finding]:
    """CheckNumericsV2: the same, told apart by signs."""
    (tensor,) = node.inputs
    if has_no_elements(tensor):
        return []
    position = first(~tf.math.is_finite(tensor))
    infinite = tf.math.is_inf(tensor)
    present = [
        (tf.reduce_any(infinite & (tensor < 0)), "-Inf"),
        (tf.reduce_any(infinite & (tensor > 0)), "+Inf"),
        (tf.reduce_any(tf.math.is_nan(tensor)), "NaN"),
    ]
    kinds = []
    for choice in range(1, 8):
        names = [n for b, (_, n) in enumerate(present) if choice >> b & 1]
        condition = tf.constant(True)
        for bit, (is_there, _) in enumerate(present):
            condition &= is_there if choice >> bit & 1 else ~is_there
        last = ", and " if len(names) == 3 else " and "
        *before, end = names
        text = f"{', '.join(before)}{last}{end}" if before else end
        kinds.append((condition, text))
    return _kinds(node, position, kinds)


def _kinds(node: Any, position: Any, kinds: list[tuple[Any, str]]) -> list[Finding]:
    text = literal(node.get_attr("message").decode(errors="replace"))
    return [
        Finding(
            f"{text} : Tensor had {what} values",
            tf.where(condition, position, -1),
            (),
            node.inputs[0],
        )
        for condition, what in kinds
    ]


RULES = {
    **dict.fromkeys(("Div", "FloorDiv", "FloorMod", "Mod"), _division(_BY_ZERO)),
    **dict.fromkeys(("TruncateDiv", "TruncateMod"), _division(_TRUNCATING)),
    "Pow": power,
    "CheckNumerics": finite,
    "CheckNumericsV2": finite_with_signs,
}
"""By op."""
