# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of the tensors between a head and its core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.freeze import static_shapes
from tfnative_aot.load.dtypes import supported_dtype
from tfnative_aot.load.source import SourceGraph, node_of

_LOOKUPS = ("LookupTableFind", "LookupTableFindV2")
_HASH_TABLES = ("HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2")

EdgeSpecs = Mapping[str, tuple[str, tuple[int, ...]] | None]
"""Type and shape by tensor; None where compiled code could not take it."""


def edge_specs(
    graph: SourceGraph,
    tensors: Iterable[str],
    shapes: Mapping[str, tuple[int, ...]],
    open_rows: bool,
) -> EdgeSpecs:
    """Type and shape of tensors.

    Args:
        graph: The graph that they are in.
        tensors: Their names.
        shapes: Of the graph's inputs, fixed but for the batch.
        open_rows: Whether the number of rows may be taken for that of the inputs
            where that is not known.
    """
    found = {tensor: tensor for tensor in tensors}
    shaped = _with_shapes(graph.graph_def)
    probe = SourceGraph(shaped, graph.inputs, found, graph.roots)
    inferred = static_shapes.output_shapes(probe, shapes, open_rows=open_rows)
    with tf.Graph().as_default() as imported:
        light = static_shapes.without_weights(graph.graph_def)
        tf.graph_util.import_graph_def(light, name="")
        dtypes = {t: imported.get_tensor_by_name(t).dtype.name for t in found}
    return {
        tensor: (dtypes[tensor], shape)
        if (shape := inferred[tensor]) is not None and supported_dtype(dtypes[tensor])
        else None
        for tensor in found
    }


def _with_shapes(graph_def: GraphDef) -> GraphDef:
    """A graph for shape inference, which knows nothing of what lookups give.

    A hash table has a value for each key.
    """
    ops = {node.name: node.op for node in graph_def.node}
    shaped = GraphDef()
    shaped.CopyFrom(graph_def)
    for node in shaped.node:
        is_lookup = node.op in _LOOKUPS and ops[node_of(node.input[0])] in _HASH_TABLES
        if is_lookup:
            key, value = node.attr["Tin"].type, node.attr["Tout"].type
            node.op = "Cast"
            kept = [node.input[1], *list(node.input)[3:]]
            del node.input[:]
            node.input.extend(kept)
            node.attr.clear()
            node.attr["SrcT"].type, node.attr["DstT"].type = key, value
    return shaped
