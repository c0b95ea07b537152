# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How the sizes of tensors follow the batch size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.static_shapes import without_weights
from tfnative_aot.load.source import BATCH, node_of

if TYPE_CHECKING:
    from tfnative_aot.freeze.graph import FrozenGraph

_BATCHES = (5, 7)


class Probes:
    """One graph with two batch sizes, made when it is first asked about."""

    def __init__(self, make: Callable[[], Sequence[Any]]) -> None:
        """Takes what makes the graph with each of the batch sizes."""
        self._make = make
        self._made: Sequence[Any] = ()

    @classmethod
    def of(cls, graph: FrozenGraph) -> Probes:
        """Of a frozen graph."""
        return cls(lambda: [_with_batch(graph, batch) for batch in _BATCHES])

    def inside(
        self, function_graph: Callable[[Sequence[Any]], Any], names: Sequence[str]
    ) -> Probes:
        """Of a function that the graph calls.

        Args:
            function_graph: Makes its graph for the shapes of its arguments.
            names: The tensors that it is called with.
        """

        def make() -> list[Any]:
            return [
                function_graph([each.get_tensor_by_name(n).shape for n in names])
                for each in self._graphs()
            ]

        return Probes(make)

    def sizes(self, tensor: Any) -> tuple[int, ...] | None:
        """A tensor's sizes, -k for k times the batch size; None if they are others."""
        first, second = (
            graph.get_tensor_by_name(tensor.name).shape for graph in self._graphs()
        )
        if not (first.is_fully_defined() and second.is_fully_defined()):
            return None
        found = []
        for pair in zip(first.as_list(), second.as_list(), strict=True):
            size = _size(*pair)
            if size is None:
                return None
            found.append(size)
        return tuple(found)

    def _graphs(self) -> Sequence[Any]:
        self._made = self._made or self._make()
        return self._made


def _size(first: int, second: int) -> int | None:
    if first == second:
        return first
    times = first // _BATCHES[0]
    grows = (first, second) == (times * _BATCHES[0], times * _BATCHES[1])
    return -times if grows else None


def _with_batch(graph: FrozenGraph, batch: int) -> Any:
    graph_def = without_weights(graph.graph_def)
    nodes = {node.name: node for node in graph_def.node}
    for tensor in graph.inputs:
        sizes = [batch if size == BATCH else size for size in tensor.shape or ()]
        shape = tf.TensorShape(sizes).as_proto()
        nodes[node_of(tensor.tensor)].attr["shape"].shape.CopyFrom(shape)
    with tf.Graph().as_default() as imported:
        tf.graph_util.import_graph_def(graph_def, name="")
    return imported
