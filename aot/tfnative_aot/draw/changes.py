# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Two graphs side by side, before and after a step, with what changed marked in both.

Nodes are the same if they have the same name. Of a large graph, what changed is shown
with its neighbours; the rest is as few boxes as possible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from tfnative_aot.draw.context import group
from tfnative_aot.draw.fold import PASS_ON, WEIGHTS, fold, origins
from tfnative_aot.draw.inline import FlatGraph, FlatNode, inline
from tfnative_aot.draw.layout import lay_out
from tfnative_aot.draw.shown import Ref, ShownGraph, ShownNode
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    from tfnative._draw.graph import DrawnGraph

_LINEAR = ("convolution", "product")


@dataclass(frozen=True)
class Ends:
    """Where a graph begins and ends: tensors, as ``node:0``, by what to call them."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


class _Mark(NamedTuple):
    kind: str
    note: str


def draw_whole(graph: GraphDef, ends: Ends, title: str) -> DrawnGraph:
    """Draws a graph without variables, of which nothing is marked."""
    return lay_out(_shown(inline(graph, ends.outputs), ends, title, {}))


def draw_changes(
    before: GraphDef, after: GraphDef, ends: Ends, *, folds_batch_norms: bool = False
) -> tuple[DrawnGraph, DrawnGraph] | None:
    """Draws a graph before and after a step.

    Args:
        before: A graph without variables.
        after: What became of it.
        ends: The tensors that both are fed, and that they give.
        folds_batch_norms: Whether the step puts batch normalizations into weights.

    Returns:
        Both pictures; None if they are the same: what changed is in no picture.
    """
    old, new = inline(before, ends.outputs), inline(after, ends.outputs)
    pictures = (
        _shown(old, ends, "before", _marks(old, new, "gone", "becomes")),
        _shown(new, ends, "after", _marks(new, old, "new", "was")),
    )
    if not any(n.mark for graph in pictures for n in graph.nodes.values()):
        return None
    if folds_batch_norms:
        pictures = (pictures[0], _with_folded(pictures[1]))
    first, second = (
        replace(graph, groups=group(graph.nodes, graph.inputs)) for graph in pictures
    )
    return lay_out(first), lay_out(second)


def _shown(
    flat: FlatGraph, ends: Ends, title: str, marks: Mapping[str, _Mark]
) -> ShownGraph:
    nodes, outputs = fold(flat, marks)
    inputs = {node_of(tensor): name for name, tensor in ends.inputs.items()}
    return ShownGraph(
        id=title,
        title=title,
        note=f"{len(flat.nodes)} nodes",
        nodes={key: _marked(flat, key, n, marks.get(key)) for key, n in nodes.items()},
        inputs={key: name for key, name in inputs.items() if key in nodes},
        outputs=outputs,
    )


def _marked(
    flat: FlatGraph, key: str, node: ShownNode, mark: _Mark | None
) -> ShownNode:
    note = mark.note if mark else ""
    if node.op == "Dequantize" and node.weights and not node.inputs:
        note = "weights in 8 bits"
    return replace(node, mark=mark.kind if mark else "", note=note)


def _with_folded(graph: ShownGraph) -> ShownGraph:
    """Says of convolutions and products whose weights are others why they are."""
    return replace(
        graph,
        nodes={
            key: replace(node, note="batch norm folded in")
            if node.mark and node.family in _LINEAR and node.weights
            else node
            for key, node in graph.nodes.items()
        },
    )


def _marks(
    graph: FlatGraph, other: FlatGraph, alone: str, verb: str
) -> dict[str, _Mark]:
    """What is to be said of the nodes that the other graph lacks, or has otherwise."""
    found = {}
    for key, node in graph.nodes.items():
        if node.op in WEIGHTS:
            continue
        twin = other.nodes.get(key)
        if twin is None:
            found[key] = _Mark(alone, alone)
        elif twin.op in WEIGHTS:
            found[key] = _Mark("changed", f"{verb} a constant")
        elif twin.op != node.op:
            passes = verb == "becomes" and twin.op in PASS_ON
            mark = _Mark("gone", "gone") if passes else None
            found[key] = mark or _Mark("changed", f"{verb} {twin.op}")
        elif _attributes(node) != _attributes(twin):
            found[key] = _Mark("changed", "other attributes")
        else:
            mine, others = _weights(graph, node), _weights(other, twin)
            if mine != others and len(mine) == len(others):
                found[key] = _Mark("changed", "other weights")
    return found


def _attributes(node: FlatNode) -> dict[str, bytes]:
    return {
        name: value.SerializeToString(deterministic=True)
        for name, value in node.attributes.items()
        if not name.startswith("_")
    }


def _weights(graph: FlatGraph, node: FlatNode) -> list[bytes]:
    """Digests of the constants that a node reads."""
    read = [_last(graph, ref) for ref in node.inputs]
    return [_digest(each) for each in read if each.op in WEIGHTS]


def _last(graph: FlatGraph, ref: Ref) -> FlatNode:
    *_, last = origins(graph, ref)
    return graph.nodes[last.node]


def _digest(node: FlatNode) -> bytes:
    value = node.attributes["value"].SerializeToString(deterministic=True)
    return hashlib.blake2b(value, digest_size=16).digest()
