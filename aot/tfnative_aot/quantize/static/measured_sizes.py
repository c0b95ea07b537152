# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Shapes that TensorFlow does not infer, as those behind loops, but says as it runs.

A graph is compiled for fixed sizes of its inputs, so that no shape in it depends on
more than these: what two numbers of rows give, others do, too. If one did not, XLA
would refuse the graph that is made with these shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.load.session_source import SessionSource
from tfnative_aot.load.source import BATCH

Shape = tuple[int, ...]
_PAIRS = ((5, 7), (24, 48))
"""Numbers of rows; some models take only those that can be divided."""


def measured_sizes(
    graph: FrozenGraph, tensors: Sequence[str], rows: int
) -> Mapping[str, Shape]:
    """Shapes of tensors of floats for some number of rows, as far as they are found.

    Args:
        graph: The signature.
        tensors: Nodes whose first outputs are meant.
        rows: The number, of a signature with a batch.
    """
    source = SessionSource.from_graph_def(graph.graph_def)
    for pair in _PAIRS if graph.has_batch else ((1, 1),):
        try:
            first, second = (_run(source, graph, tensors, count) for count in pair)
        except Exception:
            continue
        found = {}
        for name, one, other in zip(tensors, first, second, strict=True):
            shape = _shape(one, other, pair, rows) if graph.has_batch else one
            if shape is not None:
                found[name] = shape
        return found
    return {}


def _run(
    source: SessionSource, graph: FrozenGraph, tensors: Sequence[str], rows: int
) -> Sequence[Shape]:
    feeds: dict[str, Any] = {}
    for tensor in graph.inputs:
        sizes = [rows if size == BATCH else size for size in tensor.shape or ()]
        feeds[tensor.tensor] = np.zeros(sizes, numpy_dtype(tensor.dtype))
    found = source.fetch([f"{name}:0" for name in tensors], feeds)
    return [np.shape(array) for array in found]


def _shape(one: Shape, other: Shape, pair: tuple[int, int], rows: int) -> Shape | None:
    """A shape whose first size is some number for each row, or the same for all."""
    if len(one) != len(other) or one[1:] != other[1:]:
        return None
    if one == other:
        return one
    each = one[0] // pair[0]
    if (each * pair[0], each * pair[1]) != (one[0], other[0]):
        return None
    return (each * rows, *one[1:])
