# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Assertions that hold whatever the input is, since they are about shapes.

tf.debugging.assert_* that old models have on the shapes of their layers become
constants once the input's shape is known. tfcompile drops all assertions; these may
be dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot import adapters
from tfnative_aot.freeze.static_shapes import without_weights

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def drop_proven(graph_def: GraphDef) -> tuple[GraphDef, frozenset[str]]:
    """Removes the assertions whose condition TensorFlow infers to be true.

    Returns:
        The graph without them, and their names.
    """
    nodes = {node.name: node for node in graph_def.node}
    proven = _proven(
        [node for node in graph_def.node if node.op == "Assert"], graph_def
    )
    if not proven:
        return graph_def, proven
    kept = GraphDef()
    kept.CopyFrom(graph_def)
    del kept.node[:]
    for node in graph_def.node:
        if node.name in proven:
            continue
        copy = kept.node.add()
        copy.CopyFrom(node)
        sources = _without(node, proven, nodes)
        del copy.input[:]
        copy.input.extend(sources)
    return kept, proven


def _proven(assertions: list[NodeDef], graph_def: GraphDef) -> frozenset[str]:
    if not assertions:
        return frozenset()
    proven = set()
    with tf.Graph().as_default() as graph:
        # Grappler trusts no shape of a Placeholder; shape inference does.
        tf.graph_util.import_graph_def(without_weights(graph_def), name="")
        for node in assertions:
            source = node.input[0] if ":" in node.input[0] else f"{node.input[0]}:0"
            value = adapters.tf().inferred_value(graph.get_tensor_by_name(source))
            if value is not None and np.all(value):
                proven.add(node.name)
    return frozenset(proven)


def _without(
    node: NodeDef, proven: frozenset[str], nodes: dict[str, NodeDef]
) -> list[str]:
    """A node's inputs with those assertions' own control inputs in their place."""
    waiting, sources = list(node.input), []
    seen: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if not (name.startswith("^") and name[1:] in proven):
            if name not in seen or not name.startswith("^"):
                sources.append(name)
            seen.add(name)
        elif name not in seen:
            seen.add(name)
            inner = nodes[name[1:]].input
            waiting += [source for source in inner if source.startswith("^")]
    return sources
