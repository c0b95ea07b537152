# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts a graph between what cannot be compiled and what can.

The head is what the compiler refuses, and all that it needs; the core is the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative.errors import CompileError
from tfnative_aot.freeze import static_shapes
from tfnative_aot.freeze.refusals import refused_ops
from tfnative_aot.load.dtypes import supported_dtype
from tfnative_aot.load.reach import prune, reachable_nodes
from tfnative_aot.load.source import BATCH, Signature, SourceGraph, TensorSpec, node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_LOOKUPS = ("LookupTableFind", "LookupTableFindV2")
_HASH_TABLES = ("HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2")


@dataclass(frozen=True)
class Cut:
    """A graph in two parts.

    Attributes:
        graph: The whole, without calls and variables.
        head: Names of the head's nodes, constants left out.
        tensors: What the head gives to the core: the core's name of the input, and the
            tensor.
        targets: Nodes of the head that run for their effects.
        core: The core, with Placeholders in the place of the tensors.
        signature: The core's signature.
        ops: What the compiler refuses, sorted.
    """

    graph: SourceGraph
    head: frozenset[str]
    tensors: Mapping[str, str]
    targets: tuple[str, ...]
    core: SourceGraph
    signature: Signature
    ops: tuple[str, ...]


def cut(
    graph: SourceGraph,
    signature: Signature,
    shapes: Mapping[str, tuple[int, ...]],
    names: Mapping[str, str],
    *,
    open_rows: bool = False,
    rows_only: bool = False,
) -> Cut:
    """Cuts a graph of a signature.

    Args:
        graph: Its graph, without calls and variables.
        signature: The signature.
        shapes: Of its inputs, fixed but for the batch.
        names: What to call tensors if they become inputs of the core; others are named
            after their nodes.
        open_rows: Whether to cut where the number of rows is not known to be that of
            the inputs. Compiled code checks it.
        rows_only: Whether to cut only where tensors have rows, so that requests can be
            put together.

    Raises:
        CompileError: Nothing would be left to compile; says why.
    """
    nodes = {node.name: node for node in graph.graph_def.node}
    refused = {n: refused_ops(node, graph.graph_def) for n, node in nodes.items()}
    wrong = {name for name, ops in refused.items() if ops}
    blamed = set().union(*refused.values()) - {"Placeholder"}
    while True:
        head = _head(nodes, wrong)
        _check_outputs(graph, head, blamed)
        edges = _edges(nodes, head, graph)
        specs = _specs(graph, edges, shapes, open_rows)
        # What depends on a tensor that compiled code cannot take stays before it.
        later = {
            reader
            for tensor, readers in edges.items()
            if (spec := specs[tensor]) is None
            or (rows_only and spec[1][:1] != (BATCH,))
            for reader in readers
        }
        if not later:
            break
        wrong |= later
    tensors = _names(specs, signature, names)
    core, core_signature = _core(graph, signature, head, tensors, specs, shapes)
    targets, ops = _targets(nodes, head), tuple(sorted(blamed))
    return Cut(graph, head, tensors, targets, core, core_signature, ops)


def _head(nodes: Mapping[str, NodeDef], wrong: Iterable[str]) -> frozenset[str]:
    reached = reachable_nodes(nodes.values(), wrong)
    head = {node.name for node in reached if node.op != "Const"}
    # An assertion about nothing but the head is checked there.
    for node in nodes.values():
        if node.op == "Assert":
            data = [node_of(n) for n in node.input if not n.startswith("^")]
            if any(name in head for name in data) and all(
                name in head or nodes[name].op == "Const" for name in data
            ):
                head.add(node.name)
    return frozenset(head)


def _check_outputs(
    graph: SourceGraph, head: frozenset[str], ops: Iterable[str]
) -> None:
    inside = [name for name, tensor in graph.outputs.items() if node_of(tensor) in head]
    if inside:
        raise CompileError(
            f"it cannot be cut: output {', '.join(map(repr, inside))} is computed from "
            f"what cannot be compiled to its end ({', '.join(sorted(ops))})"
        )


def _edges(
    nodes: Mapping[str, NodeDef], head: frozenset[str], graph: SourceGraph
) -> dict[str, list[str]]:
    """Tensors that the core reads of the head, with their readers.

    Inputs that compiled code can take are passed to both.
    """
    needed = reachable_nodes(
        (n for n in nodes.values() if n.name not in head), graph.roots
    )
    direct = {node_of(t) for t in graph.inputs.values()}
    edges: dict[str, list[str]] = {}
    for node in needed:
        for name in node.input:
            source = node_of(name)
            if name.startswith("^") or source not in head:
                continue
            if source in direct and not _is_string(nodes[source]):
                continue
            tensor = name if ":" in name else f"{name}:0"
            edges.setdefault(tensor, []).append(node.name)
    return edges


def _is_string(placeholder: NodeDef) -> bool:
    return bool(placeholder.attr["dtype"].type == tf.string.as_datatype_enum)


def _specs(
    graph: SourceGraph,
    tensors: Iterable[str],
    shapes: Mapping[str, tuple[int, ...]],
    open_rows: bool,
) -> dict[str, tuple[str, tuple[int, ...]] | None]:
    """Type and shape of tensors; None where compiled code could not take it."""
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


def _names(
    tensors: Iterable[str], signature: Signature, wanted: Mapping[str, str]
) -> dict[str, str]:
    """The tensors by names for the core's inputs."""
    taken = {spec.name for spec in signature.inputs}
    names: dict[str, str] = {}
    for tensor in sorted(tensors):
        node, _, index = tensor.partition(":")
        base = re.sub(r"\W+", "_", node.rpartition("/")[2])
        base = wanted.get(tensor, base if index == "0" else f"{base}_{index}")
        name, count = base, 1
        while name in taken:
            name, count = f"{base}_{count}", count + 1
        taken.add(name)
        names[name] = tensor
    return names


def _core(
    graph: SourceGraph,
    signature: Signature,
    head: frozenset[str],
    names: Mapping[str, str],
    specs: Mapping[str, tuple[str, tuple[int, ...]] | None],
    shapes: Mapping[str, tuple[int, ...]],
) -> tuple[SourceGraph, Signature]:
    kept = [n for n in graph.graph_def.node if n.name not in head]
    used = {node_of(i) for node in kept for i in node.input}
    direct = [
        spec
        for spec in signature.inputs
        if node_of(graph.inputs[spec.name]) in used and spec.dtype != "string"
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


def _targets(nodes: Mapping[str, NodeDef], head: frozenset[str]) -> tuple[str, ...]:
    """Nodes of the head that those of the core wait for, and its assertions."""
    waited = {
        name[1:]
        for node in nodes.values()
        if node.name not in head
        for name in node.input
        if name.startswith("^") and name[1:] in head
    }
    waited |= {name for name in head if nodes[name].op == "Assert"}
    return tuple(sorted(n for n in waited if nodes[n].op != "Placeholder"))
