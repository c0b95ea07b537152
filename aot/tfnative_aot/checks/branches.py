# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checks in branches and in functions that are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.node_def_pb2 import NodeDef

from tfnative_aot.checks import functions
from tfnative_aot.checks.library import Body, Call, Library, Look
from tfnative_aot.checks.scope import Scope, Words, nothing_failed, word_count
from tfnative_aot.freeze.graph import Check

IFS = frozenset({"If", "StatelessIf"})
CASES = frozenset({"Case", "StatelessCase"})


def call(op: Any, scope: Scope, library: Library, look: Look) -> list[Words]:
    """The words of what is checked in a function that a node calls."""
    is_direct = op.type in library
    name = op.type if is_direct else op.get_attr("f").name
    graph = library.graph(name, [tensor.shape for tensor in op.inputs])
    results = scope.asked[op.name]
    body = look(Call(name, op.inputs, scope, graph, results))
    if body.words is None:
        return []
    function = functions.with_words(
        body.function, body.scope, body.words.tensor, library.new_name(name)
    )
    new = library.add(function, body.scope)
    node = scope.change(op.name)
    output, index = "output", len(op.outputs)
    if is_direct:
        node.op = new
        if scope.is_function:
            output, index = functions.WORDS, 0
    else:
        node.attr["f"].func.name = new
        add_type(node, "Tout")
    count = word_count(body.words.checks)
    return [Words(scope.stand_in(count, op.name, output, index), body.words.checks)]


def branch_graphs(op: Any, library: Library) -> list[tuple[str, Any]]:
    """Names and graphs of the branches of an If or Case."""
    if op.type in IFS:
        names = [op.get_attr(f"{which}_branch").name for which in ("then", "else")]
    else:
        names = [function.name for function in op.get_attr("branches")]
    shapes = [tensor.shape for tensor in op.inputs[1:]]
    return [(name, library.graph(name, shapes)) for name in names]


def branches(
    op: Any,
    graphs: Sequence[tuple[str, Any]],
    scope: Scope,
    library: Library,
    look: Look,
) -> list[Words]:
    """The words of what is checked in the branches of an If or Case."""
    results = scope.asked[op.name]
    bodies = [
        look(Call(name, op.inputs[1:], scope, graph, results)) for name, graph in graphs
    ]
    per_branch = [body.words.checks if body.words else () for body in bodies]
    checks = tuple(check for some in per_branch for check in some)
    if not checks:
        return []
    new = [
        _branch(name, body, number, per_branch, library)
        for number, ((name, _), body) in enumerate(zip(graphs, bodies, strict=True))
    ]
    node = scope.change(op.name)
    if op.type in IFS:
        node.attr["then_branch"].func.name = new[0]
        node.attr["else_branch"].func.name = new[1]
    else:
        for each, name in zip(node.attr["branches"].list.func, new, strict=True):
            each.name = name
    add_type(node, "Tout")
    add_shape(node)
    tensor = scope.stand_in(word_count(checks), op.name, "output", len(op.outputs))
    return [Words(tensor, checks)]


def _branch(
    name: str,
    body: Body,
    number: int,
    per_branch: Sequence[tuple[Check, ...]],
    library: Library,
) -> str:
    """A branch that gives the words of all branches; those of the others are empty."""
    with body.scope.graph.as_default():
        parts = [
            body.words.tensor
            if other == number and body.words
            else nothing_failed(checks)
            for other, checks in enumerate(per_branch)
            if checks
        ]
        tensor = tf.concat(parts, 0) if len(parts) > 1 else parts[0]
        tensor = tf.identity(tensor)
    function = functions.with_words(
        body.function, body.scope, tensor, library.new_name(name)
    )
    return library.add(function, body.scope)


def add_type(node: NodeDef, attribute: str) -> None:
    """Adds a tensor of words to those that a node gives."""
    node.attr[attribute].list.type.append(types_pb2.DT_INT64)


def add_shape(node: NodeDef) -> None:
    """Says of a further output that its shape is not known, if shapes are said."""
    if "output_shapes" in node.attr and node.attr["output_shapes"].list.shape:
        node.attr["output_shapes"].list.shape.add(unknown_rank=True)
