# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds what a graph computes and asks for its shape alone.

Keras computes the first step of a recurrent layer with a mask once more, before its
loop, to make zeros of that shape. XLA computes no such thing, so it is no layer.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

_OF_SHAPES = frozenset({"OnesLike", "Rank", "Shape", "ShapeN", "Size", "ZerosLike"})
_EFFECTS = frozenset({"Assert", "Case", "If", "StatefulPartitionedCall", "While"})
"""Ops that may do more than to give results."""


def shape_only(graph_def: GraphDef, outputs: Collection[str]) -> frozenset[str]:
    """The nodes of which no number reaches an output.

    Args:
        graph_def: A graph; functions are not looked at.
        outputs: Names of the nodes that are fetched.
    """
    nodes = {node.name: node for node in graph_def.node}
    pending = [name for name, node in nodes.items() if node.op in _EFFECTS]
    pending += [name for name in outputs if name in nodes]
    needed: set[str] = set()
    while pending:
        name = pending.pop()
        if name in needed:
            continue
        needed.add(name)
        node = nodes[name]
        if node.op not in _OF_SHAPES:
            given = (node_of(each) for each in node.input if not each.startswith("^"))
            pending += [each for each in given if each in nodes]
    return frozenset(nodes.keys() - needed)
