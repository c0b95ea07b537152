# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds what has one value only because of the range that its operands are in.

A number that is clamped between two equal bounds is that bound: so the sizes of
tf.math.bincount come about. A random number from 0 on is never less than a rate of 0:
that is dropout which keeps everything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_COMPARISONS = ("Greater", "GreaterEqual", "Less", "LessEqual")
_THROUGH = ("Identity", "Snapshot", "StopGradient")
# TensorFlow makes random numbers of 23 bits.
_LARGEST_RANDOM = 1 - 2.0**-23
_MOST_STEPS = 20


@dataclass(frozen=True)
class _Range:
    """Where all elements of a tensor are.

    Attributes:
        low: The least that they may be.
        high: The most that they may be.
        random: The RandomUniform whose shape the tensor has; None for a scalar.
    """

    low: Any
    high: Any
    random: NodeDef | None = None


def fold_ranges(editor: GraphEditor) -> None:
    """Makes constants of what can have one value only."""
    for node in editor.nodes("Minimum", "Maximum"):
        bound = _bound(editor, node) if _is_whole(node) else ""
        if bound and editor.is_scalar(node):
            editor.become(node, "Identity", [bound])
    for node in editor.nodes("Minimum", "Maximum", "Floor", *_COMPARISONS):
        found = _range(editor, node, _MOST_STEPS)
        if found is None or found.low != found.high:
            continue
        if found.random is None and not editor.is_scalar(node):
            continue
        dtype = np.dtype(bool)
        if node.op not in _COMPARISONS:
            dtype = tf.dtypes.as_dtype(node.attr["T"].type).as_numpy_dtype
        known = np.array(found.low, dtype)
        value = editor.add_constant(f"{node.name}/known", known, node)
        if found.random is None:
            editor.become(node, "Identity", [value])
            continue
        shape = found.random
        types = {
            "T": tf.dtypes.as_dtype(dtype).as_datatype_enum,
            "index_type": shape.attr["T"].type,
        }
        editor.become(node, "Fill", [shape.input[0], value], types)


def _bound(editor: GraphEditor, node: NodeDef) -> str:
    """The tensor between which and itself an operand is clamped, or ""."""
    other = "Maximum" if node.op == "Minimum" else "Minimum"
    names = [_origin(editor, node, place) for place in (0, 1)]
    for place in (0, 1):
        inner = editor.source(node, place)
        if inner is not None and inner.op == other:
            bound = names[1 - place]
            if bound in [_origin(editor, inner, n) for n in (0, 1)]:
                return bound
    return ""


def _origin(editor: GraphEditor, node: NodeDef, place: int) -> str:
    source = editor.source(node, place)
    name = node.input[place]
    while source is not None and source.op in _THROUGH:
        name, source = source.input[0], editor.source(source, 0)
    return str(name).removesuffix(":0")


def _is_whole(node: NodeDef) -> bool:
    return bool(tf.dtypes.as_dtype(node.attr["T"].type).is_integer)


def _range(editor: GraphEditor, node: NodeDef | None, steps: int) -> _Range | None:
    """Where a node's first output is; None if that is not known."""
    if node is None or steps == 0:
        return None
    if node.op == "Const":
        value = tf.make_ndarray(node.attr["value"].tensor)
        is_number = value.ndim == 0 and value.dtype.kind in "if"
        return _Range(value[()], value[()]) if is_number else None
    if node.op == "RandomUniform":
        dtype = tf.dtypes.as_dtype(node.attr["dtype"].type).as_numpy_dtype
        return _Range(dtype(0), dtype(_LARGEST_RANDOM), node)
    operands = [
        _range(editor, editor.source(node, place), steps - 1)
        for place in range(sum(not name.startswith("^") for name in node.input))
    ]
    if node.op in _THROUGH:
        return operands[0]
    if node.op == "Floor":
        return _floor(operands[0])
    if node.op in ("Minimum", "Maximum"):
        return _clamped(node, operands)
    first, second = (*operands, None, None)[:2]
    if first is None or second is None or (first.random and second.random):
        return None
    if node.op in _COMPARISONS:
        return _compared(node.op, first, second)
    return _computed(node.op, first, second)


def _floor(of: _Range | None) -> _Range | None:
    if of is None:
        return None
    return _Range(math.floor(of.low), math.floor(of.high), of.random)


def _clamped(node: NodeDef, operands: list[_Range | None]) -> _Range | None:
    """Of whole numbers, one of which may be anything, if that is a scalar."""
    if not _is_whole(node):
        return None
    choose = min if node.op == "Minimum" else max
    anything = _Range(-math.inf, math.inf)
    first, second = (anything if each is None else each for each in operands)
    low, high = choose(first.low, second.low), choose(first.high, second.high)
    return _Range(low, high)


def _compared(op: str, first: _Range, second: _Range) -> _Range | None:
    if op.startswith("Less"):
        first, second = second, first
    is_strict = not op.endswith("Equal")
    random = first.random or second.random
    if first.low > second.high or (first.low == second.high and not is_strict):
        return _Range(True, True, random)
    if first.high < second.low or (first.high == second.low and is_strict):
        return _Range(False, False, random)
    return None


def _computed(op: str, first: _Range, second: _Range) -> _Range | None:
    """Sums and products, which rounding leaves in order. Those of integers overflow."""
    if not isinstance(first.low, np.floating):
        return None
    random = first.random or second.random
    if op in ("Add", "AddV2"):
        return _Range(first.low + second.low, first.high + second.high, random)
    if op == "Sub":
        return _Range(first.low - second.high, first.high - second.low, random)
    if op == "Mul" and first.low >= 0 and second.low >= 0:
        return _Range(first.low * second.low, first.high * second.high, random)
    return None
