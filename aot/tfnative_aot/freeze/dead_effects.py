# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Drops state that no output depends on.

A counter of random seeds is counted also where nothing random is left, as Keras does in
models that it exports. Nobody can see that a compiled model does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.freeze.refusals import CHECKS, is_state, wrong_before_freezing
from tfnative_aot.load.reach import body_nodes, prune, reachable_functions
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_VARIABLES = frozenset({"VarHandleOp", "Variable", "VariableV2"})
_THROUGH = frozenset({"Enter", "Identity", "RefEnter", "RefIdentity", "RefSwitch"})


def drop_dead_effects(graph_def: GraphDef, roots: Collection[str]) -> GraphDef:
    """The graph without changes of variables, and random numbers, that nothing reads.

    Args:
        graph_def: A graph whose calls are inlined.
        roots: Names of the nodes that are fetched.
    """
    nodes = {node.name: node for node in graph_def.node}
    effects = {name for name, node in nodes.items() if is_state(node)}
    seen = [name for name, node in nodes.items() if _is_seen(node, graph_def)]
    live = _read(nodes, [*roots, *seen])
    dead = {
        name
        for name in effects - live
        if not nodes[name].input or _variable(nodes, nodes[name]) not in live
    }
    if not dead:
        return graph_def
    kept = GraphDef()
    kept.CopyFrom(graph_def)
    for node in kept.node:
        controls = {f"^{name}" for name in dead}
        left = [name for name in node.input if name not in controls]
        del node.input[:]
        node.input.extend(left)
    return prune(kept, roots)


def _is_seen(node: NodeDef, graph_def: GraphDef) -> bool:
    """Whether it does something, by itself or in what it calls, that has to stay."""
    if is_state(node):
        return False
    if node.op in CHECKS or wrong_before_freezing(node, graph_def):
        return True
    return any(
        inner.op in CHECKS or wrong_before_freezing(inner, graph_def)
        for function in reachable_functions(graph_def, [node])
        for inner in body_nodes(function)
    )


def _read(nodes: Mapping[str, NodeDef], roots: Iterable[str]) -> set[str]:
    """What the values of some nodes are computed from."""
    waiting, read = list(roots), set()
    while waiting:
        name = waiting.pop()
        if name in read or name not in nodes:
            continue
        read.add(name)
        data = (n for n in nodes[name].input if not n.startswith("^"))
        waiting.extend(map(node_of, data))
    return read


def _variable(nodes: Mapping[str, NodeDef], node: NodeDef) -> str:
    """The variable that a node changes; its own name if it changes none."""
    source = node
    while source.op not in _VARIABLES:
        if not source.input or (source is not node and source.op not in _THROUGH):
            return str(node.name)
        source = nodes[node_of(source.input[0])]
    return str(source.name)
