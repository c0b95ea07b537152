# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Hides what nobody looks at in a graph: constants, variables, and what only passes on.

Constants and variables become notes of those that read them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfnative._draw.families import family_of_op
from tfnative_aot.draw.inline import FlatGraph, FlatNode
from tfnative_aot.draw.shown import Ref, ShownNode, Weight

PASS_ON = frozenset(
    "Identity IdentityN PreventGradient ReadVariableOp Snapshot StopGradient".split()
)
"""Ops that give what they read."""
WEIGHTS = frozenset("Const HostConst VarHandleOp Variable VariableV2".split())
"""Ops that are drawn in the boxes that read them."""
_INSIDE = re.compile("(body|cond|then_branch|else_branch)$")


def fold(
    graph: FlatGraph, special: Collection[str] = ()
) -> tuple[dict[str, ShownNode], dict[str, Ref]]:
    """What the outputs need: the nodes to draw, and what the outputs are of them.

    Args:
        graph: The graph.
        special: Nodes that are drawn also where they only pass on what they read.
    """
    origin = _Origins(graph, special)
    outputs = {name: origin(ref) for name, ref in graph.outputs.items()}
    needed: set[str] = set()
    waiting = [ref.node for ref in outputs.values()]
    while waiting:
        key = waiting.pop()
        if key not in needed:
            needed.add(key)
            waiting += [origin(ref).node for ref in graph.nodes[key].inputs]
    kept = {ref.node for ref in outputs.values()}
    shown = {
        key: _shown(graph, node, [origin(ref) for ref in node.inputs])
        for key, node in graph.nodes.items()
        if key in needed and (node.op not in WEIGHTS or key in kept)
    }
    return shown, outputs


def _shown(graph: FlatGraph, node: FlatNode, origins: Sequence[Ref]) -> ShownNode:
    ops = [graph.nodes[origin.node].op for origin in origins]
    functions = [
        f"{key}: {node.attributes[key].func.name}"
        for key in sorted(node.attributes)
        if _INSIDE.search(key) and node.attributes[key].HasField("func")
    ]
    return ShownNode(
        name=node.name,
        op=node.op,
        family=family_of_op(node.op),
        inputs=tuple(
            origin for origin, op in zip(origins, ops, strict=True) if op not in WEIGHTS
        ),
        weights=tuple(
            _weight(graph.nodes[origin.node])
            for origin, op in zip(origins, ops, strict=True)
            if op in WEIGHTS
        ),
        shapes=_shapes(node),
        details={"functions": ", ".join(functions)},
    )


class _Origins:
    """Where a value comes from that was passed on."""

    def __init__(self, graph: FlatGraph, special: Collection[str]) -> None:
        self._graph = graph
        self._special = special

    def __call__(self, ref: Ref) -> Ref:
        """The first that computes something, or is special and passes no weight on."""
        passed = list(origins(self._graph, ref))
        if self._graph.nodes[passed[-1].node].op in WEIGHTS:
            return passed[-1]
        return next((r for r in passed if r.node in self._special), passed[-1])


def origins(graph: FlatGraph, ref: Ref) -> Iterator[Ref]:
    """A value, and what it was before it was passed on, up to what computes it."""
    seen = {ref}
    yield ref
    while graph.nodes[ref.node].op in PASS_ON:
        node = graph.nodes[ref.node]
        index = ref.output if node.op == "IdentityN" else 0
        if index >= len(node.inputs) or node.inputs[index] in seen:
            break
        ref = node.inputs[index]
        seen.add(ref)
        yield ref


def _weight(node: FlatNode) -> Weight:
    attributes = node.attributes
    if "value" in attributes:
        tensor = attributes["value"].tensor
        dtype, dims = tensor.dtype, [dim.size for dim in tensor.tensor_shape.dim]
    else:
        shape = attributes["shape"].shape
        dtype, dims = attributes["dtype"].type, [dim.size for dim in shape.dim]
    size = math.prod(dims) if min(dims, default=0) >= 0 else 0
    return Weight(node.name, _shape(dtype, dims), size * _element_bytes(dtype))


def _shapes(node: FlatNode) -> tuple[str, ...]:
    """Shapes of its outputs, where the model says them."""
    if node.op == "Placeholder":
        shape = node.attributes["shape"].shape
        dims = [dim.size for dim in shape.dim]
        kind = node.attributes["dtype"].type
        return (_shape(kind, None if shape.unknown_rank else dims),)
    if "_output_shapes" not in node.attributes:
        return ()
    shapes = node.attributes["_output_shapes"].list.shape
    return tuple(
        "" if s.unknown_rank else _brackets([dim.size for dim in s.dim]) for s in shapes
    )


def _shape(dtype: int, dims: Sequence[int] | None) -> str:
    """As "float32[?,64]"."""
    name: str = tf.dtypes.as_dtype(dtype).name
    return name if dims is None else f"{name}{_brackets(dims)}"


def _brackets(dims: Sequence[int]) -> str:
    return f"[{','.join('?' if size < 0 else str(size) for size in dims)}]"


def _element_bytes(dtype: int) -> int:
    kind: Any = tf.dtypes.as_dtype(dtype)
    nothing: Mapping[Any, int] = {tf.string: 0, tf.resource: 0, tf.variant: 0}
    return nothing.get(kind, kind.size)
