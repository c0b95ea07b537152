# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which constants a step changed, and how their values were and are spread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfnative._optimize.report import Histogram, WeightChange
from tfnative_aot.load.source import node_of
from tfnative_aot.optimize.quantized_weights import computed_values

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_BINS = 48
_LEAST_VALUES = 16
"""Of a constant that is worth a picture: others are axes, sizes and numbers."""
_MOST_STEPS = 4
# What reads weights as its second input.
_LINEAR = frozenset(
    """BatchMatMulV2 Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2
    DepthwiseConv2dNative MatMul""".split()
)
Array = NDArray[Any]


@dataclass(frozen=True)
class _Kept:
    """A constant: its values, and how they are kept."""

    values: Array
    dtype: str
    size: int


def changed_weights(
    before: GraphDef, after: GraphDef, most: int
) -> tuple[tuple[WeightChange, ...], int]:
    """The constants of real numbers that differ, the largest first.

    Constants belong together that have the same name, and those that are the weights
    of one convolution or product before and after.

    Args:
        before: The graph before a step.
        after: The graph after it.
        most: How many are told of.

    Returns:
        These, and how many more there are.
    """
    old, new = _constants(before), {**_constants(after), **_quantized(before, after)}
    pairs = {name: (old[name], new[name]) for name in old.keys() & new.keys()}
    for name, was, now in _weights(before, after):
        if was in old and now in new and now not in pairs:
            pairs[name] = (old[was], new[now])
    changed = [
        (name, was, now)
        for name, (was, now) in pairs.items()
        if was.values.shape == now.values.shape
        and (was.dtype != now.dtype or not np.array_equal(was.values, now.values))
    ]
    changed.sort(key=lambda each: (-each[1].size, each[0]))
    return tuple(_change(*each) for each in changed[:most]), len(changed[most:])


def _constants(graph_def: GraphDef) -> dict[str, _Kept]:
    found = {}
    for node in graph_def.node:
        if node.op != "Const" or not _is_real(node.attr["dtype"].type):
            continue
        values = tf.make_ndarray(node.attr["value"].tensor)
        if values.size >= _LEAST_VALUES:
            found[node.name] = _Kept(values, values.dtype.name, values.nbytes)
    return found


def _is_real(dtype: int) -> bool:
    return bool(tf.dtypes.as_dtype(dtype).is_floating)


def _quantized(before: GraphDef, after: GraphDef) -> dict[str, _Kept]:
    """What were constants, and are computed from constants of eight bits."""
    constants = {node.name for node in before.node if node.op == "Const"}
    nodes = {node.name: node for node in after.node}
    names = [
        name
        for name, node in nodes.items()
        if node.op == "Dequantize" and name in constants
    ]
    if not names:
        return {}
    found = {}
    for name, values in zip(names, computed_values(after, names), strict=True):
        if values.size >= _LEAST_VALUES:
            kept = nodes[node_of(nodes[name].input[0])].attr["dtype"].type
            dtype = tf.dtypes.as_dtype(kept)
            found[name] = _Kept(values, dtype.name, values.size * dtype.size)
    return found


def _weights(before: GraphDef, after: GraphDef) -> Iterator[tuple[str, str, str]]:
    """Nodes with the constants that are their weights before and after."""
    old = {node.name: node for node in before.node}
    new = {node.name: node for node in after.node}
    for node in after.node:
        if node.op not in _LINEAR:
            continue
        # The tool gives a convolution the name of the multiplication behind it.
        twin = _linear_before(old, node)
        if twin is not None:
            yield node.name, _source(old, twin), _source(new, node)


def _linear_before(nodes: Mapping[str, NodeDef], node: NodeDef) -> NodeDef | None:
    found = nodes.get(node.name)
    for _ in range(_MOST_STEPS):
        if found is None or found.op == node.op or not found.input:
            break
        found = nodes.get(node_of(found.input[0]))
    return found if found is not None and found.op == node.op else None


def _source(nodes: Mapping[str, NodeDef], node: NodeDef) -> str:
    """Name of the constant that a node's weights are."""
    name = node_of(node.input[1])
    while name in nodes and nodes[name].op == "Identity":
        name = node_of(nodes[name].input[0])
    return name


def _change(name: str, was: _Kept, now: _Kept) -> WeightChange:
    old, new = (kept.values.astype(np.float64).ravel() for kept in (was, now))
    difference = np.abs(new - old)
    finite = difference[np.isfinite(difference)]
    return WeightChange(
        name=name,
        shape="x".join(map(str, was.values.shape)),
        dtypes=(was.dtype, now.dtype),
        sizes=(was.size, now.size),
        distinct=(len(np.unique(old)), len(np.unique(new))),
        largest_change=float(finite.max(initial=0.0)),
        histogram=_histogram(old, new),
    )


def _histogram(old: Array, new: Array) -> Histogram:
    old, new = old[np.isfinite(old)], new[np.isfinite(new)]
    both = np.concatenate([old, new])
    least, largest = (float(both.min()), float(both.max())) if both.size else (0.0, 1.0)
    if least == largest:
        least, largest = least - 0.5, largest + 0.5
    before, after = (
        np.histogram(values, _BINS, (least, largest))[0].tolist()
        for values in (old, new)
    )
    return Histogram(least, largest, tuple(before), tuple(after))
