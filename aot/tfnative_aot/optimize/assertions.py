# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Removes assertions, for those who know that they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_PASS_ON = ("CheckNumerics", "CheckNumericsV2")


def remove_assertions(graph_def: GraphDef) -> GraphDef:
    """The graph, and its functions, without Assert and CheckNumerics."""
    changed = GraphDef()
    changed.CopyFrom(graph_def)
    bodies = (function.node_def for function in changed.library.function)
    for nodes in (changed.node, *bodies):
        for node in nodes:
            _remove(node)
    return changed


def _remove(node: NodeDef) -> None:
    if node.op == "Assert":
        controls = [name for name in node.input if name.startswith("^")]
        node.op = "NoOp"
        node.attr.clear()
        del node.input[:]
        node.input.extend(controls)
    elif node.op in _PASS_ON:
        dtype = node.attr["T"].type
        node.op = "Identity"
        node.attr.clear()
        node.attr["T"].type = dtype
