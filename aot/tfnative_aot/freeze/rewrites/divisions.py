# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Divides where TensorFlow divides.

XLA multiplies by the reciprocal of a divisor that is constant, which is off in the last
bit: floor(-21 / 7) would be -4. Grappler does so where the model itself has a constant,
and then that is TensorFlow's answer. It does not where the divisor is a variable, or an
input that is fixed when the model is compiled, nor inside of other ops than divisions.

A divisor that is chosen by what is divided is not constant. Where that is NaN, so is
the quotient, whatever the divisor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.reached import computed_of, computed_of_data
from tfnative_aot.freeze.rewrites.rule import (
    Replacement,
    Rule,
    element_type,
    same_types,
)
from tfnative_aot.load.filled import is_filled
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

_QUOTIENTS = ("Div", "RealDiv", "Xdivy")


def keep_divisions(editor: GraphEditor) -> None:
    """Divides by what is constant in the compiled model only.

    Args:
        editor: A graph without calls, before Grappler folds constants.
    """
    filled = (node for node in editor.nodes("Const") if is_filled(node))
    _hide_divisors(editor, computed_of(editor, filled) - computed_of_data(editor))


def keep_divisions_inside(editor: GraphEditor) -> None:
    """Divides by the arguments of a body, which may be constants outside of it."""
    _hide_divisors(editor, computed_of_data(editor))


def divide_by_constant(x: Any, divisor: Any) -> Any:
    """A quotient, for functions that replace ops, whose divisor XLA does not know."""
    free = tf.where(tf.math.is_nan(x), x, tf.cast(divisor, x.dtype))
    return x / free


def _hide_divisors(editor: GraphEditor, divisors: set[str]) -> None:
    for node in editor.nodes(*_QUOTIENTS):
        dtype = element_type(node)
        if dtype.is_floating and node_of(node.input[1]) in divisors:
            is_nan = editor.insert(node, 0, "IsNan", dtype.as_datatype_enum)
            dividend = is_nan.input[0]
            editor.set_input(node, 0, dividend)
            chosen = editor.insert(node, 1, "SelectV2", dtype.as_datatype_enum)
            divisor = chosen.input[0]
            editor.set_input(chosen, 0, is_nan.name)
            editor.add_input(chosen, dividend)
            editor.add_input(chosen, divisor)


def _divided(op: Callable[[Any, Any], Any]) -> Rule:
    """An op that divides its first input by the second one, unless that is zero."""

    def rule(node: NodeDef) -> Replacement | None:
        if not element_type(node).is_floating:
            return None

        def divided(x: Any, y: Any) -> Any:
            # DivNoNan by zero is zero, also of NaN.
            return op(x, tf.where(tf.math.is_nan(x) & (y != 0), x, y))

        return same_types(node, 2, divided)

    return rule


RULES: Mapping[str, Rule] = {
    "DivNoNan": _divided(lambda x, y: tf.math.divide_no_nan(x, y)),
    "FloorDiv": _divided(lambda x, y: tf.math.floordiv(x, y)),
}
