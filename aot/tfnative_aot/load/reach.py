# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which nodes and functions of a graph run when some nodes are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def waited_for(nodes: Mapping[str, NodeDef], part: Collection[str]) -> frozenset[str]:
    """Names of those nodes of a part of a graph that others wait for.

    Args:
        nodes: All of the graph, by name.
        part: Names of the part's.
    """
    return frozenset(
        name[1:]
        for node in nodes.values()
        if node.name not in part
        for name in node.input
        if name.startswith("^") and name[1:] in part
    )


def prune(graph_def: GraphDef, roots: Iterable[str]) -> GraphDef:
    """Keeps the nodes that the roots need, and the functions that those call."""
    nodes = reachable_nodes(graph_def.node, roots)
    pruned = GraphDef(versions=graph_def.versions)
    pruned.node.extend(nodes)
    for function in reachable_functions(graph_def, nodes):
        pruned.library.function.add().CopyFrom(function)
    return pruned


def reachable_nodes(nodes: Iterable[NodeDef], roots: Iterable[str]) -> list[NodeDef]:
    """The nodes that the roots need, by data or control, in the given order."""
    by_name = {node.name: node for node in nodes}
    reached = reachable_names(by_name, roots)
    return [node for name, node in by_name.items() if name in reached]


def reachable_names(by_name: Mapping[str, NodeDef], roots: Iterable[str]) -> set[str]:
    """Names of the nodes that the roots need, of a graph that is a table already."""
    waiting = [node_of(root) for root in roots]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        # In a function's body, an input may be one of the function's arguments.
        if name in reached or name not in by_name:
            continue
        reached.add(name)
        waiting.extend(node_of(source) for source in by_name[name].input)
    return reached


def reachable_functions(
    graph_def: GraphDef, nodes: Sequence[NodeDef]
) -> list[FunctionDef]:
    """The functions that nodes call, directly or not, each once."""
    by_name = {
        function.signature.name: function for function in graph_def.library.function
    }
    waiting = list(called(nodes))
    reached: dict[str, FunctionDef] = {}
    while waiting:
        name = waiting.pop()
        if name in reached or name not in by_name:
            continue
        reached[name] = by_name[name]
        waiting.extend(called(by_name[name].node_def))
    return [f for name, f in by_name.items() if name in reached]


def recursion(graph_def: GraphDef, nodes: Sequence[NodeDef]) -> list[str]:
    """Functions that call each other in a circle, in this order; none if none do."""
    calls = {
        function.signature.name: list(dict.fromkeys(called(function.node_def)))
        for function in reachable_functions(graph_def, nodes)
    }
    done: set[str] = set()
    for start in calls:
        path: list[str] = []
        pending = [(start, False)]
        while pending:
            name, is_left = pending.pop()
            if is_left:
                done.add(path.pop())
            elif name in path:
                return path[path.index(name) :]
            elif name in calls and name not in done:
                path.append(name)
                pending.append((name, True))
                pending += [(each, False) for each in calls[name]]
    return []


def body_nodes(function: FunctionDef) -> list[NodeDef]:
    """The nodes of a function's body that run when it is called."""
    roots = [*function.ret.values(), *function.control_ret.values()]
    return reachable_nodes(function.node_def, roots)


def nodes_with_bodies(graph_def: GraphDef, roots: Iterable[str]) -> Iterator[NodeDef]:
    """The nodes that the roots need, and those of the functions that they call."""
    nodes = reachable_nodes(graph_def.node, roots)
    yield from nodes
    for function in reachable_functions(graph_def, nodes):
        yield from body_nodes(function)


def called(nodes: Iterable[NodeDef]) -> Iterator[str]:
    """Names of what nodes may call, of their ops among them."""
    for node in nodes:
        yield node.op
        for value in node.attr.values():
            if value.HasField("func"):
                yield value.func.name
            for function in value.list.func:
                yield function.name
