# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of a file with a GraphDef, which names no inputs and outputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tfnative_aot.draw.changes import Ends, draw_whole
from tfnative_aot.load import graph_def_file
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    from tfnative._draw.graph import DrawnGraph

# Of these nobody reads anything, or they are there for what they do.
_NO_OUTPUTS = frozenset({"Assert", "Const", "NoOp", "Placeholder"})


def draw_graph_def(path: Path) -> DrawnGraph:
    """Draws a GraphDef; nothing of it is loaded or run.

    Its inputs are its placeholders, and its outputs the nodes that no other reads.

    Raises:
        InvalidArgumentError: It is no GraphDef.
    """
    graph_def = graph_def_file.read(path)
    inputs = {n.name: f"{n.name}:0" for n in graph_def.node if n.op == "Placeholder"}
    outputs = {name: f"{name}:0" for name in _unread(graph_def)}
    return draw_whole(graph_def, Ends(inputs, outputs), path.resolve().name)


def _unread(graph_def: GraphDef) -> list[str]:
    read = {node_of(name) for node in graph_def.node for name in node.input}
    return [
        node.name
        for node in graph_def.node
        if node.name not in read and node.op not in _NO_OUTPUTS
    ]
