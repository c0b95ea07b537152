# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rewrites the bodies of loops and branches, too.

A function names the outputs of its nodes as "node:output:0", a graph as "node:0". So
a body is made a graph, rewritten as one, and made a body again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot import adapters
from tfnative_aot.freeze.quantized import PREFIX
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef, FunctionDefLibrary
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def rewrite_bodies(
    graph_def: GraphDef, ops: Collection[str], apply: Callable[[GraphEditor], None]
) -> None:
    """Applies rewrites to functions in the library of a graph, in place.

    Args:
        graph_def: The graph.
        ops: Functions that have none of these ops are left alone.
        apply: The rewrites.
    """
    # What rewrites add to the library is not rewritten, nor are functions of quantized
    # arrays, which XLA does not get.
    for function in [*graph_def.library.function]:
        if function.signature.name.startswith(PREFIX):
            continue
        if any(node.op in ops for node in function.node_def):
            _rewrite(function, graph_def.library, apply)


def _rewrite(
    function: FunctionDef,
    library: FunctionDefLibrary,
    apply: Callable[[GraphEditor], None],
) -> None:
    body, flat = adapters.tf().function_body(function, library)
    body.library.CopyFrom(library)
    results = {name: flat[tensor] for name, tensor in function.ret.items()}
    roots = {node_of(tensor) for tensor in results.values()}
    roots |= set(function.control_ret.values())
    editor = GraphEditor(body, roots, function.signature.name)
    apply(editor)
    rewritten = editor.graph_def()
    signatures = {each.signature.name: each.signature for each in library.function}
    for added in rewritten.library.function:
        if added.signature.name not in signatures:
            library.function.add().CopyFrom(added)
            signatures[added.signature.name] = added.signature
    arguments = {arg.name for arg in function.signature.input_arg}
    nodes = [node for node in rewritten.node if node.name not in arguments]
    nested = {
        f"{node.name}:{number}": f"{node.name}:{name}"
        for node in nodes
        for number, name in enumerate(_outputs(node, signatures))
    }

    def inside(tensor: str) -> str:
        name = node_of(tensor)
        if name in arguments:
            return name
        return nested[tensor if ":" in tensor else f"{tensor}:0"]

    del function.node_def[:]
    for node in nodes:
        copy = function.node_def.add()
        copy.CopyFrom(node)
        del copy.input[:]
        for name in node.input:
            if not name.startswith("^"):
                copy.input.append(inside(name))
            elif name[1:] not in arguments:
                copy.input.append(name)
    for name, tensor in results.items():
        function.ret[name] = inside(tensor)


def _outputs(node: NodeDef, signatures: Mapping[str, Any]) -> Iterator[str]:
    """What a function calls the outputs of a node, behind the node's name."""
    definition = signatures.get(node.op) or adapters.tf().op_definition(node.op)
    for arg in definition.output_arg:
        count = 1
        if arg.number_attr:
            count = node.attr[arg.number_attr].i
        elif arg.type_list_attr:
            count = len(node.attr[arg.type_list_attr].list.type)
        yield from (f"{arg.name}:{number}" for number in range(count))
