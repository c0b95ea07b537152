# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""For how many rows a graph is looked at.

``x[5000:]`` is empty for a few thousand rows, and all programs up to there are alike.
So there have to be more rows than any number that a bound in the graph is made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

FEW, MANY = 7, 4100
"""Odd and even."""
_MOST = 4_000_000
"""Rows; XLA writes the numbers of the rows out."""
_NO_BOUND = 2**31 - 1
"""The end of a slice that has none."""

# Ops whose integers may be compared with the number of rows, and which inputs they are.
_BOUNDS = {
    "BatchToSpaceND": (1, 2),
    "LinSpace": (2,),
    "MirrorPad": (1,),
    "Pad": (1,),
    "PadV2": (1,),
    "Range": (0, 1, 2),
    "Roll": (1,),
    "Slice": (1, 2),
    "SpaceToBatchND": (1, 2),
    "SplitV": (1,),
    "StridedSlice": (1, 2, 3),
    "TensorStridedSliceUpdate": (1, 2, 3),
    "TopKV2": (1,),
}
# What bounds are computed of.
_ARITHMETIC = frozenset(
    "AddV2 Add Sub Mul FloorDiv FloorMod Minimum Maximum Pack ConcatV2 Cast Identity "
    "Neg Reshape ExpandDims Squeeze Select SelectV2".split()
)
_DEEPEST = 8


def probes(graph_def: GraphDef) -> tuple[int, int] | None:
    """Two numbers of rows that show what a graph does with any; None if none do."""
    largest = max(_bounds(graph_def), default=0)
    if largest > _MOST // 2:
        return None
    many = max(MANY, 2 * largest + 4)
    return FEW, many + 2 * (many % FEW == 0)


def _bounds(graph_def: GraphDef) -> Iterator[int]:
    """The integers that bounds are, or are computed of."""
    for nodes in (
        graph_def.node,
        *(function.node_def for function in graph_def.library.function),
    ):
        known = {node.name: node for node in nodes}
        for node in nodes:
            for place in _BOUNDS.get(node.op, ()):
                if place < len(node.input):
                    yield from _constants(known, node.input[place], _DEEPEST)


def _constants(known: dict[str, Any], tensor: str, depth: int) -> Iterator[int]:
    node = known.get(node_of(tensor))
    if node is None or depth == 0:
        return
    if node.op == "Const":
        value = np.asarray(tf.make_ndarray(node.attr["value"].tensor))
        if value.dtype.kind in "iu":
            numbers = np.abs(value.astype(np.float64)).ravel()
            yield from (int(n) for n in numbers if n < _NO_BOUND)
    elif node.op in _ARITHMETIC:
        for source in node.input:
            yield from _constants(known, source, depth - 1)
