# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs of signatures in the middle of a graph.

TensorFlow lets any tensor be fed. What computes it otherwise does not run then: a
parser of messages, before the tensor that callers give themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import Signature, SourceGraph, TensorSpec, node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_PLACEHOLDERS = ("Placeholder", "PlaceholderWithDefault")


def without_what_is_fed(graph: SourceGraph, signature: Signature) -> SourceGraph:
    """A graph without what only computes tensors that are fed.

    Args:
        graph: The graph of a signature, and more.
        signature: Says which tensors are fed.

    Returns:
        What the roots need, with Placeholders in the place of tensors that are fed.
    """
    nodes = {node.name: node for node in graph.graph_def.node}
    fed = [
        spec
        for spec in signature.inputs
        if (node := nodes.get(node_of(spec.tensor))) is not None
        and node.op not in _PLACEHOLDERS
    ]
    if not fed:
        return _pruned(graph, graph.graph_def)
    placeholders = {
        _full(spec.tensor): _placeholder(spec, number, nodes)
        for number, spec in enumerate(fed)
    }
    changed = GraphDef()
    changed.CopyFrom(graph.graph_def)
    for node in changed.node:
        for place, name in enumerate(node.input):
            if (found := placeholders.get(_full(name))) is not None:
                node.input[place] = found.name
    changed.node.extend(placeholders.values())

    def now(tensor: str) -> str:
        found = placeholders.get(_full(tensor))
        return tensor if found is None else f"{found.name}:0"

    outputs = {name: now(tensor) for name, tensor in graph.outputs.items()}
    roots = {node_of(now(f"{root}:0")) for root in graph.roots}
    roots |= {node_of(tensor) for tensor in outputs.values()}
    return _pruned(
        SourceGraph(
            changed,
            {name: now(tensor) for name, tensor in graph.inputs.items()},
            outputs,
            tuple(sorted(roots)),
        ),
        changed,
    )


def _pruned(graph: SourceGraph, graph_def: GraphDef) -> SourceGraph:
    kept = prune(graph_def, graph.roots)
    return SourceGraph(kept, graph.inputs, graph.outputs, graph.roots)


def _full(name: str) -> str:
    return name if ":" in name or name.startswith("^") else f"{name}:0"


def _placeholder(spec: TensorSpec, number: int, taken: dict[str, NodeDef]) -> NodeDef:
    graph_def = GraphDef()
    name = f"fed/{number}"
    while name in taken:
        name += "_"
    node = graph_def.node.add(name=name, op="Placeholder")
    node.attr["dtype"].type = tf.dtypes.as_dtype(spec.dtype).as_datatype_enum
    shape = node.attr["shape"].shape
    shape.SetInParent()
    if spec.shape is None:
        shape.unknown_rank = True
    for size in spec.shape or ():
        shape.dim.add(size=-1 if size is None else size)
    return node
