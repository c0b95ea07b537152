# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Constants of a compiled model that stand for variables, or for fixed inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

# TensorFlow leaves attributes alone that begin with an underscore.
_FILLED = "_filled"


def is_filled(node: NodeDef) -> bool:
    """Whether a Const stands for what TensorFlow does not know before it runs."""
    return _FILLED in node.attr


def mark_filled(node: NodeDef) -> None:
    """Notes that a Const stands for a variable or an input."""
    node.attr[_FILLED].b = True


def mark_variables(graph_def: GraphDef, source: GraphDef) -> None:
    """Marks the constants of a graph that are none in the one that it was made of."""
    known = {node.name for node in source.node if node.op == "Const"}
    for node in graph_def.node:
        if node.op == "Const" and node.name not in known:
            mark_filled(node)
