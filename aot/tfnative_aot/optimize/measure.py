# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How large a graph is, how much it computes, and how long that takes."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.freeze.static_shapes import without_weights
from tfnative_aot.load.reach import reachable_nodes
from tfnative_aot.load.source import node_of
from tfnative_aot.optimize.samples import one_row
from tfnative_aot.optimize.session import GraphSession

if TYPE_CHECKING:
    from pathlib import Path

    from tfnative_aot.load.source import Arrays
    from tfnative_aot.optimize.graph import WholeGraph

# What of the weights' shape is multiplied for each element of the output: all but
# the dimension that the output has, too.
_CONVOLUTIONS: Mapping[str, tuple[int, ...]] = {
    "Conv2D": (0, 1, 2),
    "Conv3D": (0, 1, 2, 3),
    "DepthwiseConv2dNative": (0, 1),
    "QuantizedConv2D": (0, 1, 2),
}
_TRANSPOSED = ("Conv2DBackpropInput", "Conv3DBackpropInputV2")
_PRODUCTS = frozenset(
    "BatchMatMul BatchMatMulV2 BatchMatMulV3 MatMul QuantizedMatMul".split()
)


@dataclass(frozen=True)
class Figures:
    """What a graph takes. See ``OptimizeStep``."""

    nodes: int
    ops: Mapping[str, int]
    bytes: int
    gzipped_bytes: int
    constants: int
    flops: int | None
    milliseconds: float | None


def measure(
    graph: WholeGraph, samples: Mapping[str, Sequence[Arrays]], assets: Path
) -> Figures:
    """Looks at a graph, and runs it a few times at batch size 1."""
    content = graph.graph_def.SerializeToString(deterministic=True)
    bodies = [function.node_def for function in graph.graph_def.library.function]
    ops = Counter(n.op for nodes in (graph.graph_def.node, *bodies) for n in nodes)
    rows = {
        ends.signature.name: one_row(
            samples[ends.signature.name][0], ends.signature.inputs
        )
        for ends in graph.ends
    }
    milliseconds, flops = _run(graph, rows, assets, count_flops(graph, rows))
    return Figures(
        nodes=ops.total(),
        ops=dict(ops.most_common()),
        bytes=len(content),
        gzipped_bytes=len(gzip.compress(content, mtime=0)),
        constants=ops["Const"],
        flops=flops,
        milliseconds=milliseconds,
    )


def _run(
    graph: WholeGraph, rows: Mapping[str, Arrays], assets: Path, flops: int | None
) -> tuple[float | None, int | None]:
    """Time of one row, and the operations, from a run where shapes do not tell them."""
    session = GraphSession(graph, assets, optimized=True)
    try:
        time = sum(
            session.milliseconds(ends, rows[ends.signature.name]) for ends in graph.ends
        )
        return time, _run_flops(session, graph, rows) if flops is None else flops
    except Exception:  # Whatever TensorFlow raises where it needs more rows.
        return None, flops
    finally:
        session.close()


def _run_flops(
    session: GraphSession, graph: WholeGraph, rows: Mapping[str, Arrays]
) -> int | None:
    """Counts by the shapes that arrays have, as behind tables, which tell none.

    Returns:
        None if there are loops, branches or functions, of which nobody knows whether
        and how often they run.
    """
    bodies = (n for f in graph.graph_def.library.function for n in f.node_def)
    if any(n.op in ("LoopCond", "Switch") for n in graph.graph_def.node):
        return None
    if any(_is_heavy(node.op) for node in bodies):
        return None
    counts: dict[str, int | None] = {}
    for ends in graph.ends:
        roots = map(node_of, ends.outputs.values())
        needed = reachable_nodes(graph.graph_def.node, roots)
        heavy = [n.name for n in needed if _is_heavy(n.op) and n.name not in counts]
        found = session.operations(heavy, ends, rows[ends.signature.name])
        counts.update(zip(heavy, map(_flops, found), strict=True))
    known = [count for count in counts.values() if count is not None]
    return sum(known) if len(known) == len(counts) else None


def count_flops(graph: WholeGraph, rows: Mapping[str, Arrays]) -> int | None:
    """Floating-point operations of products and convolutions, two a multiplication.

    Returns:
        None if shapes do not tell, or if there are loops or functions, of which
        nobody knows how often they run.
    """
    if any(node.op == "LoopCond" for node in graph.graph_def.node):
        return None
    light = without_weights(graph.graph_def)
    for function in light.library.function:
        if any(_is_heavy(node.op) for node in function.node_def):
            return None
    _set_shapes(light, graph, rows)
    with tf.Graph().as_default() as found:
        try:
            tf.graph_util.import_graph_def(light, name="")
        except ValueError:  # Shapes that an op has no rule for.
            return None
        counts = [
            _flops(operation)
            for operation in found.get_operations()
            if _is_heavy(operation.type)
        ]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _set_shapes(light: GraphDef, graph: WholeGraph, rows: Mapping[str, Arrays]) -> None:
    shapes = {
        tensor: np.shape(rows[ends.signature.name][name])
        for ends in graph.ends
        for name, tensor in ends.inputs.items()
    }
    for node in light.node:
        if node.op == "Placeholder" and f"{node.name}:0" in shapes:
            del node.attr["shape"].shape.dim[:]
            node.attr["shape"].shape.unknown_rank = False
            for size in shapes[f"{node.name}:0"]:
                node.attr["shape"].shape.dim.add(size=size)


def _is_heavy(op: str) -> bool:
    return op in _CONVOLUTIONS or op in _TRANSPOSED or op in _PRODUCTS


def _flops(operation: Any) -> int | None:
    inputs = [tensor.shape for tensor in operation.inputs]
    output = operation.outputs[0].shape
    if operation.type in _TRANSPOSED:
        weights, pixels = inputs[1], inputs[2]
        if not (weights.is_fully_defined() and pixels.is_fully_defined()):
            return None
        count = pixels.num_elements() * weights.num_elements() // weights[-1]
        return int(2 * count)
    if not output.is_fully_defined():
        return None
    if operation.type in _CONVOLUTIONS:
        if not inputs[1].is_fully_defined():
            return None
        depth = int(np.prod([inputs[1][a] for a in _CONVOLUTIONS[operation.type]]))
    else:
        attribute = "adj_x" if operation.type.startswith("Batch") else "transpose_a"
        left = inputs[0]
        if left.rank is None:
            return None
        depth = left[-2 if operation.get_attr(attribute) else -1]
        if depth is None:
            return None
    return int(2 * output.num_elements() * depth)
