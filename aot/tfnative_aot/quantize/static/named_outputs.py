# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gives each tensor that can be quantized a node whose first output it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import tensorflow as tf

from tfnative_aot.freeze.static_shapes import without_weights
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    from tfnative_aot.freeze.graph import FrozenGraph


def with_named_outputs(graph: FrozenGraph) -> FrozenGraph:
    """A signature in which no node reads a later output of float32 of another one.

    Behind each such output, of Split, of Unpack, of a loop, stands an Identity, which
    ``GraphView`` takes for a tensor of its own.
    """
    later = {
        given: None
        for node in graph.graph_def.node
        for given in node.input
        if is_later(given)
    }
    if not later:
        return graph
    dtypes = _dtypes(graph.graph_def)
    changed = type(graph.graph_def)()
    changed.CopyFrom(graph.graph_def)
    taken = {node.name for node in changed.node}
    named: dict[str, str] = {}
    for given in later:
        if dtypes.get(given) == tf.float32:
            name = f"{node_of(given)}/output_{given.rpartition(':')[2]}"
            while name in taken:
                name += "_"
            taken.add(name)
            named[given] = name
    for node in changed.node:
        for place, given in enumerate(node.input):
            if given in named:
                node.input[place] = named[given]
    for given, name in named.items():
        identity = changed.node.add(name=name, op="Identity", input=[given])
        identity.attr["T"].type = tf.float32.as_datatype_enum
    return replace(graph, graph_def=changed)


def is_later(given: str) -> bool:
    """Whether an input is an output of a node that is not its first."""
    return not given.startswith("^") and ":" in given and not given.endswith(":0")


def _dtypes(graph_def: GraphDef) -> dict[str, tf.DType]:
    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(without_weights(graph_def), name="")
    return {
        tensor.name: tensor.dtype
        for op in imported.get_operations()
        for tensor in op.outputs
    }
