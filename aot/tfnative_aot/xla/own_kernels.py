# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Puts kernels of ours into the graph that XLA compiles, for ops that it does not have.

A call of one says how large its results are. So it takes the op's place only in the
graph of one number of rows, and all that looks at graphs before sees TensorFlow's op.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot import adapters
from tfnative_aot.freeze.offender import Offender, refuse
from tfnative_aot.freeze.own_ops import has_own_kernel
from tfnative_aot.freeze.static_shapes import with_rows, without_weights
from tfnative_aot.xla.explain import not_constant
from tfnative_aot.xla.suppression import RULES, NotKnownError, Replacement

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.graph import FrozenGraph

_CALL = "PartitionedCall"
_CALLS = frozenset({_CALL, "StatefulPartitionedCall", "StatelessWhile", "While"})
_CHOICES = frozenset({"Case", "If", "StatelessCase", "StatelessIf"})


def has_own_kernels(graph_def: GraphDef) -> bool:
    """Whether a graph, or a function in its library, has such an op."""
    scopes = [graph_def.node, *(f.node_def for f in graph_def.library.function)]
    return any(has_own_kernel(node) for nodes in scopes for node in nodes)


def with_own_kernels(graph: FrozenGraph, rows: int) -> FrozenGraph:
    """The graph for a number of rows, with calls of kernels in the place of such ops.

    Args:
        graph: The signature.
        rows: Its batch size, if it has one.

    Raises:
        CompileError: What has to be known of such ops is not. Lists all of them.
    """
    if not has_own_kernels(graph.graph_def):
        return graph
    sized = with_rows(graph, rows)
    search = _Search(graph)
    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(without_weights(sized), name="")
    search.look(imported, "")
    refuse(graph.signature, search.offenders)
    for (scope, name), found in search.found.items():
        _put(sized, scope, name, found)
    return replace(graph, graph_def=sized)


class _Search:
    """Looks for such ops in a graph, and in functions with the sizes they get.

    Attributes:
        found: What takes their places, by function ("" for the graph) and node.
        offenders: Those whose places nothing can take.
    """

    def __init__(self, graph: FrozenGraph) -> None:
        self.found: dict[tuple[str, str], Replacement] = {}
        self.offenders: list[Offender] = []
        self._graph = graph
        self._library = {f.signature.name: f for f in graph.graph_def.library.function}

    def look(self, graph: Any, scope: str) -> None:
        """Looks at a tf.Graph, which is that of a function if ``scope`` names one."""
        for op in graph.get_operations():
            if has_own_kernel(op.node_def):
                self._note(op, scope)
            for name, arguments in _called(op):
                if name in self._library:
                    self._look_inside(name, arguments)

    def _look_inside(self, name: str, arguments: Sequence[Any]) -> None:
        graph_def = type(self._graph.graph_def)()
        graph_def.library.CopyFrom(self._graph.graph_def.library)
        with tf.Graph().as_default():
            tf.graph_util.import_graph_def(graph_def, name="")
            shapes = [tensor.shape for tensor in arguments]
            body = adapters.tf().function_graph(self._library[name], shapes)
        self.look(body, name)

    def _note(self, op: Any, scope: str) -> None:
        try:
            found = RULES[op.type](op)
        except NotKnownError as error:
            reason = str(error)
            if error.place is not None:
                reason = not_constant(self._graph, scope, op.node_def, error.place)
        else:
            before = self.found.setdefault((scope, op.name), found)
            if before.call == found.call:
                return
            reason = "is called with boxes of several sizes"
        name = f"{scope}/{op.name}" if scope else op.name
        places = self._graph.places
        where = places.find(name, op.name) if places else ""
        self.offenders.append(Offender(name, op.name, op.type, reason, where))


def _called(op: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """The functions that an op calls with arrays, and with which."""
    arguments = op.inputs[1:] if op.type in _CHOICES else op.inputs
    yield op.type, arguments  # Where a function's name is the op's.
    if op.type not in _CHOICES | _CALLS:
        return  # Others call functions with single elements.
    for value in op.node_def.attr.values():
        for function in (value.func, *value.list.func):
            if function.name:
                yield function.name, arguments


def _put(graph_def: GraphDef, scope: str, name: str, found: Replacement) -> None:
    """Lets a node call what takes its place."""
    function = graph_def.library.function.add()
    function.CopyFrom(found.function)
    taken = len(graph_def.library.function)
    function.signature.name = f"tfnative_own_{taken}"
    nodes = graph_def.node
    if scope:
        (body,) = (f for f in graph_def.library.function if f.signature.name == scope)
        nodes = body.node_def
    (node,) = (each for each in nodes if each.name == name)
    if scope:
        _rename_outputs(body, node)
    inputs = [node.input[place] for place in found.inputs]
    control = [each for each in node.input if each.startswith("^")]
    del node.input[:]
    node.input.extend([*inputs, *control])
    node.op = _CALL
    node.attr.clear()
    node.attr["f"].func.name = function.signature.name
    for attribute, arguments in (
        ("Tin", function.signature.input_arg),
        ("Tout", function.signature.output_arg),
    ):
        node.attr[attribute].list.type.extend(each.type for each in arguments)


def _rename_outputs(body: FunctionDef, node: NodeDef) -> None:
    """Calls the outputs of a node in a function's body what those of a call are."""
    outputs = adapters.tf().op_definition(node.op).output_arg
    names = {
        f"{node.name}:{output.name}:0": f"{node.name}:output:{number}"
        for number, output in enumerate(outputs)
    }
    for reader in body.node_def:
        for place, source in enumerate(reader.input):
            reader.input[place] = names.get(source, source)
    for result, source in body.ret.items():
        body.ret[result] = names.get(source, source)
