# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gives a graph clean ends: Placeholders for inputs, Identities for outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.freeze.carriers import Carriers, carrier
from tfnative_aot.load.source import BATCH, Signature, SourceGraph, node_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorflow.core.framework.node_def_pb2 import NodeDef

# Attributes that say where a node runs, what shape someone found for it when the
# sizes were others, ask to lower While and If, which XLA wants functional, or keep
# Grappler from inlining.
_STALE_ATTRIBUTES = (
    "_XlaMustCompile",
    "_class",
    "_lower_using_switch_merge",
    "_noinline",
    "_output_shapes",
    "_user_specified_name",
    "_xla_inferred_shapes",
)
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


def isolate(
    source: SourceGraph,
    signature: Signature,
    shapes: Mapping[str, tuple[int, ...] | None],
    *,
    carry: bool = True,
) -> SourceGraph:
    """Replaces the ends of a graph and forgets devices and stale shapes.

    Each input becomes a Placeholder named after it, of the given shape (None: of any
    rank), and each output an Identity named after it. Outputs depend on every call:
    Grappler inlines a call only where something makes sure that its side effects
    happen. With ``carry``, types that tfcompile cannot pass cross as others.
    """
    graph_def = GraphDef()
    graph_def.CopyFrom(source.graph_def)
    forget_stale(graph_def)
    names = _Names(node.name for node in graph_def.node)
    inputs = {
        spec.name: f"{names.new('input', spec.name)}:0" for spec in signature.inputs
    }
    outputs = {
        spec.name: f"{names.new('output', spec.name)}:0" for spec in signature.outputs
    }
    carriers = Carriers(graph_def, names.new)
    passed = carrier if carry else str
    unpacked = {
        spec.name: carriers.unpack(node_of(inputs[spec.name]), spec.dtype)
        if carry
        else node_of(inputs[spec.name])
        for spec in signature.inputs
    }
    _replace_inputs(graph_def, source.inputs, unpacked)
    for spec in signature.inputs:
        graph_def.node.append(
            _placeholder(inputs[spec.name], passed(spec.dtype), shapes[spec.name])
        )
    replaced = {source.inputs[name]: tensor for name, tensor in unpacked.items()}
    for spec in signature.outputs:
        tensor = source.outputs[spec.name]
        tensor = replaced.get(tensor, tensor).removesuffix(":0")
        packed = carriers.pack(tensor, spec.dtype) if carry else tensor
        _add_output(graph_def, outputs[spec.name], passed(spec.dtype), packed)
    roots = tuple(node_of(tensor) for tensor in outputs.values())
    return SourceGraph(graph_def, inputs, outputs, roots)


def release_inputs(graph_def: GraphDef, isolated: SourceGraph) -> GraphDef:
    """Makes inputs plain feeds again after the graph was optimized.

    No control edge comes from them, since tfcompile replaces only what reads their
    values, and those that nothing reads any more are back. Attributes without a value
    are dropped, on which tfcompile stumbles in loops.
    """
    inputs = {node_of(tensor) for tensor in isolated.inputs.values()}
    released = GraphDef()
    released.CopyFrom(graph_def)
    drop_empty_attributes(released)
    for node in released.node:
        kept = [
            name
            for name in node.input
            if not (name.startswith("^") and name[1:] in inputs)
        ]
        if len(kept) != len(node.input):
            del node.input[:]
            node.input.extend(kept)
    present = {node.name for node in released.node}
    released.node.extend(
        node
        for node in isolated.graph_def.node
        if node.name in inputs and node.name not in present
    )
    return released


def drop_empty_attributes(graph_def: GraphDef) -> None:
    """Removes attributes without a value.

    Looking up an attribute that a node does not have adds it so.
    """
    for node in graph_def.node:
        for name in [n for n, value in node.attr.items() if not value.ByteSize()]:
            del node.attr[name]


def forget_stale(graph_def: GraphDef) -> None:
    """Removes devices, and attributes that hold no more."""
    for node in _all_nodes(graph_def):
        node.device = ""
        for attribute in _STALE_ATTRIBUTES:
            node.attr.pop(attribute, None)
    for function in graph_def.library.function:
        for attribute in (*_STALE_ATTRIBUTES, "api_implements"):
            function.attr.pop(attribute, None)


def _all_nodes(graph_def: GraphDef) -> Iterator[NodeDef]:
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def _replace_inputs(
    graph_def: GraphDef, old: Mapping[str, str], new: Mapping[str, str]
) -> None:
    """Lets readers of the old input tensors read the new ones; drops the old ones."""
    replaced = {
        tensor.removesuffix(":0"): node_of(new[name]) for name, tensor in old.items()
    }
    fed = {node_of(tensor) for tensor in old.values()}
    for node in graph_def.node:
        for place, name in enumerate(node.input):
            if name.removesuffix(":0") in replaced:
                node.input[place] = replaced[name.removesuffix(":0")]
            elif name.startswith("^") and name[1:] in replaced:
                node.input[place] = f"^{replaced[name[1:]]}"
    kept = [n for n in graph_def.node if not (n.name in fed and n.op == "Placeholder")]
    del graph_def.node[:]
    graph_def.node.extend(kept)


def _placeholder(tensor: str, dtype: str, shape: tuple[int, ...] | None) -> NodeDef:
    graph_def = GraphDef()
    node = graph_def.node.add(name=node_of(tensor), op="Placeholder")
    node.attr["dtype"].type = tf.dtypes.as_dtype(dtype).as_datatype_enum
    node.attr["shape"].shape.unknown_rank = shape is None
    for size in shape or ():
        node.attr["shape"].shape.dim.add(size=-1 if size == BATCH else size)
    node.attr["shape"].shape.SetInParent()
    return node


def _add_output(graph_def: GraphDef, tensor: str, dtype: str, source: str) -> None:
    calls = [node.name for node in graph_def.node if node.op in _CALLS]
    node = graph_def.node.add(name=node_of(tensor), op="Identity")
    node.input.extend([source, *(f"^{name}" for name in calls)])
    node.attr["T"].type = tf.dtypes.as_dtype(dtype).as_datatype_enum


class _Names:
    """Makes node names that a graph does not have yet."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def new(self, prefix: str, name: str) -> str:
        base = f"{prefix}_{re.sub('[^A-Za-z0-9_]', '_', name)}"
        candidate, count = base, 1
        while candidate in self._taken:
            candidate, count = f"{base}_{count}", count + 1
        self._taken.add(candidate)
        return candidate
