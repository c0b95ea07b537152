# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Hides what nobody looks at in a graph: constants, variables, and what only passes on.

Constants and variables become notes of those that read them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tfnative_aot.draw.inline import FlatGraph, FlatNode, Ref

_PASS_ON = frozenset(
    "Identity IdentityN PreventGradient ReadVariableOp Snapshot StopGradient".split()
)
_WEIGHTS = frozenset("Const HostConst VarHandleOp Variable VariableV2".split())


@dataclass(frozen=True)
class Weight:
    """A constant or a variable: its name, and as much as is known of it."""

    name: str
    shape: str
    size: int


@dataclass(frozen=True)
class ShownNode:
    """A node that is drawn.

    Attributes:
        node: The node.
        inputs: What it reads of other nodes that are drawn.
        weights: The constants and variables that it reads.
    """

    node: FlatNode
    inputs: tuple[Ref, ...]
    weights: tuple[Weight, ...]


@dataclass(frozen=True)
class ShownGraph:
    """What is drawn of a graph: what its outputs need.

    Attributes:
        nodes: By id, in the order of the graph.
        outputs: By name.
        hidden: How many nodes are not drawn.
    """

    nodes: Mapping[str, ShownNode]
    outputs: Mapping[str, Ref]
    hidden: int


def fold(graph: FlatGraph) -> ShownGraph:
    """Hides what only passes on, and constants."""
    outputs = {name: _origin(graph, ref) for name, ref in graph.outputs.items()}
    needed: set[str] = set()
    waiting = [ref.node for ref in outputs.values()]
    while waiting:
        key = waiting.pop()
        if key not in needed:
            needed.add(key)
            waiting += [_origin(graph, ref).node for ref in graph.nodes[key].inputs]
    kept = {ref.node for ref in outputs.values()}
    shown = {
        key: _shown(graph, node)
        for key, node in graph.nodes.items()
        if key in needed and (node.op not in _WEIGHTS or key in kept)
    }
    return ShownGraph(shown, outputs, len(graph.nodes) - len(shown))


def _shown(graph: FlatGraph, node: FlatNode) -> ShownNode:
    inputs, weights = [], []
    for ref in node.inputs:
        origin = _origin(graph, ref)
        source = graph.nodes[origin.node]
        if source.op in _WEIGHTS:
            weights.append(_weight(source))
        else:
            inputs.append(origin)
    return ShownNode(node, tuple(inputs), tuple(weights))


def _origin(graph: FlatGraph, ref: Ref) -> Ref:
    """Where a value comes from that was passed on."""
    seen = {ref}
    while graph.nodes[ref.node].op in _PASS_ON:
        node = graph.nodes[ref.node]
        index = ref.output if node.op == "IdentityN" else 0
        if index >= len(node.inputs) or node.inputs[index] in seen:
            break
        ref = node.inputs[index]
        seen.add(ref)
    return ref


def _weight(node: FlatNode) -> Weight:
    attributes = node.attributes
    if "value" in attributes:
        tensor = attributes["value"].tensor
        dtype, dims = tensor.dtype, [dim.size for dim in tensor.tensor_shape.dim]
    else:
        shape = attributes["shape"].shape
        dtype, dims = attributes["dtype"].type, [dim.size for dim in shape.dim]
    size = math.prod(dims) if min(dims, default=0) >= 0 else 0
    kind = tf.dtypes.as_dtype(dtype)
    bytes_each = 0 if kind in (tf.string, tf.resource, tf.variant) else kind.size
    return Weight(node.name, shape_text(kind.name, dims), size * bytes_each)


def output_shapes(node: FlatNode) -> tuple[str, ...]:
    """Shapes of its outputs, as "[?,64]", where the model says them."""
    if "_output_shapes" not in node.attributes:
        return ()
    shapes = node.attributes["_output_shapes"].list.shape
    return tuple(_known(shape) for shape in shapes)


def shape_text(dtype: str, dims: list[int]) -> str:
    """As "float32[?,64]"."""
    return f"{dtype}[{','.join('?' if size < 0 else str(size) for size in dims)}]"


def _known(shape: Any) -> str:
    if shape.unknown_rank:
        return ""
    return shape_text("", [dim.size for dim in shape.dim])


def listed(texts: Iterator[str], most: int) -> str:
    """The first of them, and how many more there are."""
    all_texts = list(texts)
    rest = len(all_texts) - most
    shown = ", ".join(all_texts[:most])
    return f"{shown} and {rest} more" if rest > 0 else shown
