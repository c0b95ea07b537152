# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a graph of its own of what is behind a cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import BATCH, Signature, SourceGraph, TensorSpec, node_of
from tfnative_aot.split.edge_specs import EdgeSpecs

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def core_graph(
    graph: SourceGraph,
    signature: Signature,
    head: frozenset[str],
    names: Mapping[str, str],
    specs: EdgeSpecs,
    shapes: Mapping[str, tuple[int, ...]],
) -> tuple[SourceGraph, Signature]:
    """The core of a graph, and its signature.

    Args:
        graph: The whole.
        signature: Of the whole.
        head: Names of the head's nodes.
        names: What the core reads of the head, by the names of its inputs.
        specs: Of these tensors.
        shapes: Of the inputs of the whole, fixed but for the batch.
    """
    kept = [n for n in graph.graph_def.node if n.name not in head]
    used = {node_of(i) for node in kept for i in node.input}
    # What nothing reads is an input of the core, so that callers can give it.
    direct = [
        spec
        for spec in signature.inputs
        if spec.dtype != "string"
        and ((name := node_of(graph.inputs[spec.name])) in used or name not in head)
    ]
    core = GraphDef(versions=graph.graph_def.versions, library=graph.graph_def.library)
    placeholders = {t: f"tfnative_cut/{i}" for i, t in enumerate(names.values())}
    found = []
    for name, tensor in names.items():
        known = specs[tensor]
        assert known is not None
        dtype, shape = known
        _add_placeholder(core, placeholders[tensor], dtype, shape)
        found.append(_tensor_spec(name, placeholders[tensor] + ":0", dtype, shape))
    for node in kept:
        copy = core.node.add()
        copy.CopyFrom(node)
        del copy.input[:]
        copy.input.extend(_sources(node, head, placeholders, graph))
    for spec in direct:
        tensor = graph.inputs[spec.name]
        found.append(_tensor_spec(spec.name, tensor, spec.dtype, shapes[spec.name]))
        if node_of(tensor) in head:
            node = next(n for n in graph.graph_def.node if n.name == node_of(tensor))
            core.node.add().CopyFrom(node)
    inputs = tuple(sorted(found, key=lambda spec: spec.name))
    outputs = tuple(
        TensorSpec(spec.name, graph.outputs[spec.name], spec.dtype, spec.shape)
        for spec in signature.outputs
    )
    source = SourceGraph(
        prune(core, [*graph.roots, *(node_of(spec.tensor) for spec in inputs)]),
        {spec.name: spec.tensor for spec in inputs},
        dict(graph.outputs),
        graph.roots,
    )
    return source, Signature(signature.name, inputs, outputs)


def _sources(
    node: NodeDef,
    head: frozenset[str],
    placeholders: Mapping[str, str],
    graph: SourceGraph,
) -> Iterator[str]:
    direct = {node_of(tensor) for tensor in graph.inputs.values()}
    for name in node.input:
        tensor = name if ":" in name else f"{name}:0"
        if name.startswith("^"):
            if name[1:] not in head:
                yield name
        elif tensor in placeholders:
            yield placeholders[tensor]
        else:
            assert node_of(name) not in head or node_of(name) in direct
            yield name


def _add_placeholder(
    graph_def: GraphDef, name: str, dtype: str, shape: tuple[int, ...]
) -> None:
    node = graph_def.node.add(name=name, op="Placeholder")
    node.attr["dtype"].type = tf.dtypes.as_dtype(dtype).as_datatype_enum
    for size in shape:
        node.attr["shape"].shape.dim.add(size=size)
    node.attr["shape"].shape.SetInParent()


def _tensor_spec(
    name: str, tensor: str, dtype: str, shape: tuple[int, ...]
) -> TensorSpec:
    open_shape = tuple(None if size == BATCH else size for size in shape)
    return TensorSpec(name, tensor, dtype, open_shape)
