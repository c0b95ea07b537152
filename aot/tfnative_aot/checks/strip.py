# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Takes out of a graph what only checks, once it is checked otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.checks.functions import with_own_names
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.reach import body_nodes, prune
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_NUMERICS = frozenset({"CheckNumerics", "CheckNumericsV2"})


def drop_checks(frozen: FrozenGraph) -> FrozenGraph:
    """The graph without assertions and checks of numbers.

    XLA would compile nothing of them, but stumble over the strings that they print.
    """
    graph_def = GraphDef()
    graph_def.CopyFrom(frozen.graph_def)
    changed = _drop(graph_def.node)
    for function in graph_def.library.function:
        if _drop(function.node_def):
            changed = True
            kept = body_nodes(function)
            nodes = [type(node).FromString(node.SerializeToString()) for node in kept]
            del function.node_def[:]
            function.node_def.extend(nodes)
    if not changed:
        return frozen
    with_own_names(graph_def)
    roots = [t.tensor for t in (*frozen.inputs, *frozen.outputs)]
    if frozen.check_tensor:
        roots.append(frozen.check_tensor)
    pruned = prune(graph_def, [node_of(tensor) for tensor in roots])
    return replace(frozen, graph_def=pruned)


def _drop(nodes: Iterable[NodeDef]) -> bool:
    changed = False
    for node in nodes:
        if node.op == "Assert":
            controls = [name for name in node.input if name.startswith("^")]
            del node.input[:]
            node.input.extend(controls)
            node.attr.clear()
            node.op = "NoOp"
        elif node.op in _NUMERICS:
            node.attr.pop("message", None)
            node.op = "Identity"
        else:
            continue
        changed = True
    return changed
