# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Drops control edges that nothing waits for.

Inlined functions leave edges behind that keep every constant of the function, also
those that nothing reads any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot import adapters
from tfnative_aot.load.initializer import TABLES
from tfnative_aot.load.source import node_of
from tfnative_aot.optimize.checks import is_check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

# Edges from these say in which branch, and in which round of a loop, a node runs.
_CONTROL_FLOW = frozenset(
    """Enter Exit LoopCond Merge NextIteration RefEnter RefExit RefMerge
    RefNextIteration RefSwitch Switch""".split()
)


class Idle:
    """Tells which nodes of a graph do nothing but compute their results."""

    def __init__(self, graph_def: GraphDef) -> None:
        self._nodes = {node.name: node for node in graph_def.node}
        self._busy = _downstream(
            {name for name, node in self._nodes.items() if _is_busy(node)}, self._nodes
        )

    def __contains__(self, name: str) -> bool:
        """Whether neither the node nor what it needs has an effect."""
        return name in self._nodes and name not in self._busy


def without_idle_controls(graph_def: GraphDef) -> GraphDef:
    """The graph without control edges from nodes that do nothing else."""
    idle = Idle(graph_def)
    changed = GraphDef()
    changed.CopyFrom(graph_def)
    for node in changed.node:
        kept = [n for n in node.input if not (n.startswith("^") and n[1:] in idle)]
        if len(kept) < len(node.input):
            del node.input[:]
            node.input.extend(kept)
    return changed


def _is_busy(node: NodeDef) -> bool:
    if node.op in TABLES:
        return False  # It finds a table, which others fill before the graph runs.
    if node.op in _CONTROL_FLOW or is_check(node):
        return True
    definition = adapters.tf().op_definition(node.op)
    # Of a function, nobody says what it does.
    return definition is None or bool(definition.is_stateful)


def _downstream(names: set[str], nodes: Mapping[str, NodeDef]) -> set[str]:
    readers: dict[str, list[str]] = {}
    for node in nodes.values():
        for source in node.input:
            readers.setdefault(node_of(source), []).append(node.name)
    waiting, reached = list(names), set(names)
    while waiting:
        for reader in readers.get(waiting.pop(), []):
            if reader not in reached:
                reached.add(reader)
                waiting.append(reader)
    return reached
