# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Functions with checks in them: copies that give what the checks say as well."""

from __future__ import annotations

import hashlib
from collections.abc import Container
from typing import TYPE_CHECKING, Any

from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.graph_pb2 import GraphDef

if TYPE_CHECKING:
    from tfnative_aot.checks.scope import Scope

WORDS = "tfnative_words"
"""Name of the argument and the result that are added."""


def with_words(
    function: FunctionDef, scope: Scope, words: Any, name: str, *, takes: bool = False
) -> FunctionDef:
    """A function that gives words after its results.

    Args:
        function: What it is a copy of.
        scope: Its graph, with the checks.
        words: A tensor of the graph.
        name: Its name.
        takes: Whether it takes words after its arguments, too.
    """
    copy = _copy(function, name)
    nodes = [scope.changed.get(node.name, node) for node in function.node_def]
    del copy.node_def[:]
    copy.node_def.extend([*nodes, *scope.new_nodes()])
    if takes:
        _add_argument(copy)
    copy.signature.output_arg.add(name=WORDS, type=types_pb2.DT_INT64)
    copy.ret[WORDS] = scope.reference(words)
    return copy


def words_alone(
    function: FunctionDef, scope: Scope, words: Any, name: str
) -> FunctionDef:
    """A function of the same arguments that gives words and nothing else."""
    copy = with_words(function, scope, words, name)
    kept = copy.signature.output_arg[-1]
    del copy.signature.output_arg[:]
    copy.signature.output_arg.append(kept)
    for result in list(copy.ret):
        if result != WORDS:
            del copy.ret[result]
    return copy


def taking_words(function: FunctionDef, name: str) -> FunctionDef:
    """A function that takes words after its arguments, and does nothing with them."""
    copy = _copy(function, name)
    _add_argument(copy)
    return copy


def without_shapes(function: FunctionDef) -> FunctionDef:
    """A function that says nothing of the shapes of its arguments.

    What was found when it was traced is less than what its caller knows.
    """
    copy = _copy(function, function.signature.name)
    for attributes in copy.arg_attr.values():
        attributes.attr.pop("_output_shapes", None)
    return copy


def with_own_names(graph_def: GraphDef, kept: Container[str] = ()) -> None:
    """Renames a graph's functions, since they are not the ones of their names any more.

    But for ``kept``, which are.

    The process may know these: those of the program that made the model, in which
    TensorFlow wants each name to stand for one thing.
    """
    library = graph_def.library
    content = library.SerializeToString(deterministic=True)
    digest = hashlib.sha256(content).hexdigest()[:16]
    before = [f.signature.name for f in library.function]
    names = {name: name if name in kept else f"{name}_{digest}" for name in before}
    for function in library.function:
        function.signature.name = names[function.signature.name]
    for nodes in (graph_def.node, *(f.node_def for f in library.function)):
        for node in nodes:
            node.op = names.get(node.op, node.op)
            for value in node.attr.values():
                called = [value.func] if value.HasField("func") else value.list.func
                for each in called:
                    each.name = names.get(each.name, each.name)


def _copy(function: FunctionDef, name: str) -> FunctionDef:
    copy = FunctionDef()
    copy.CopyFrom(function)
    copy.signature.name = name
    return copy


def _add_argument(function: FunctionDef) -> None:
    function.signature.input_arg.add(name=WORDS, type=types_pb2.DT_INT64)
