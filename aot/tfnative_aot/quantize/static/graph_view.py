# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A graph as quantized arrays see it: flat rows, whose shape is of no matter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfnative_aot.freeze.static_shapes import with_rows, without_weights
from tfnative_aot.load.source import node_of
from tfnative_aot.quantize.shape_only import shape_only
from tfnative_aot.quantize.static.measured_sizes import measured_sizes

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.graph import FrozenGraph

_PASSES_ON = frozenset({"Identity", "PreventGradient", "Snapshot", "StopGradient"})
_VIEWS = _PASSES_ON | {"ExpandDims", "Reshape", "Squeeze"}
_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
_PRIME = 7919
_PROBE = 64 * _PRIME
"""Rows by which no other size can be divided, as good as surely; but some models take
only numbers of rows that can be divided themselves."""

_LOOPS = frozenset({"StatelessWhile", "While"})
_OLD_CONTROL_FLOW = frozenset({"Enter", "Merge", "RefSwitch", "Switch"})


class Reader(NamedTuple):
    """A node that reads a tensor, and at which of its inputs."""

    node: NodeDef
    place: int


class GraphView:
    """Looks things up in a graph.

    Tensors are named by the node whose first output they are. A name stands for what
    is passed on to it, and for what it is a view of: the same numbers in the same
    order, of which each row of the batch has equally many.

    Attributes:
        shapes: The nodes of which nothing but the shape is asked for.
        products: What ``find_product`` has found, by node: weights are decoded once.
        clusters: What ``clusters_of`` has found.
    """

    def __init__(self, graph: FrozenGraph) -> None:
        graph_def = with_rows(graph, _PROBE)
        self.outputs = frozenset(node_of(tensor.tensor) for tensor in graph.outputs)
        self.shapes = shape_only(graph.graph_def, self.outputs)
        self._batch = _PROBE if graph.has_batch else 0
        self._nodes = {node.name: node for node in graph_def.node}
        self.has_old_control_flow = any(
            node.op in _OLD_CONTROL_FLOW for node in graph_def.node
        )
        with tf.Graph().as_default() as imported:
            tf.graph_util.import_graph_def(without_weights(graph_def), name="")
        operations = imported.get_operations()
        self._tensors = {op.name: op.outputs[0] for op in operations if op.outputs}
        self._order = [op.name for op in _sorted(operations)]
        self._readers: dict[str, list[Reader]] = {}
        for name in self._order:
            node = self._nodes[name]
            if node.op not in _VIEWS:
                for place, given in enumerate(node.input):
                    if not given.startswith("^"):
                        reader = Reader(node, place)
                        self._readers.setdefault(self.source(given), []).append(reader)
        self._measured = self._measure(graph)
        self.products: dict[str, Any] = {}
        self.clusters: Any = None
        self._read_outside = {self.source(name) for name in self.outputs}

    def _measure(self, graph: FrozenGraph) -> Mapping[str, tuple[int, ...]]:
        """The shapes of floats behind loops."""
        behind: set[str] = set()
        for name in self._order:
            node = self._nodes[name]
            if node.op in _LOOPS or not behind.isdisjoint(map(node_of, node.input)):
                behind.add(name)
        unknown = [
            name
            for name in self._order
            if name in behind
            and self.is_float(name)
            and not self._tensors[name].shape.is_fully_defined()
        ]
        return measured_sizes(graph, unknown, _PROBE) if unknown else {}

    def nodes(self) -> Sequence[NodeDef]:
        """All nodes, each behind those that it reads."""
        return [self._nodes[name] for name in self._order]

    def node(self, name: str) -> NodeDef:
        """The node of this name."""
        return self._nodes[name]

    def source(self, given: str) -> str:
        """What an input, as a node names it, is a view of; with ":1" and so on."""
        while True:
            if given.endswith(":0"):
                given = node_of(given)
            node = self._nodes.get(given)
            if node is None or node.op not in _VIEWS:
                return given
            given = node.input[0]

    def producer(self, given: str) -> str:
        """The node that computes what an input is a view of."""
        return node_of(self.source(given.removeprefix("^")))

    def constant(self, given: str) -> npt.NDArray[Any] | None:
        """The value of an input, if it is a constant that is passed on at most."""
        node = self._nodes.get(node_of(given))
        while node is not None and node.op in _PASSES_ON:
            node = self._nodes.get(node_of(node.input[0]))
        if node is None or node.op != "Const":
            return None
        value: npt.NDArray[Any] = tf.make_ndarray(node.attr["value"].tensor)
        return value

    def weights(self, given: str) -> npt.NDArray[Any] | None:
        """The value of an input, if it is a constant, or a part of one.

        The planes of a three-dimensional convolution are such parts.
        """
        value = self.constant(given)
        node = self._nodes.get(self.source(given))
        if value is not None or node is None or node.op != "StridedSlice":
            return value
        whole, *bounds = (self.constant(each) for each in node.input[:4])
        masks = {name: int(node.attr[f"{name}_mask"].i) for name in _MASKS}
        if whole is None or masks["ellipsis"] or masks["new_axis"]:
            return None
        if any(each is None for each in bounds):
            return None
        places: list[int | slice] = []
        for dim, (low, high, step) in enumerate(zip(*bounds, strict=True)):
            start, end = (
                None if masks[name] >> dim & 1 else int(bound)
                for name, bound in (("begin", low), ("end", high))
            )
            is_one = masks["shrink_axis"] >> dim & 1
            places.append(int(low) if is_one else slice(start, end, int(step)))
        return np.asarray(whole[tuple(places)])

    def readers(self, name: str) -> Sequence[Reader]:
        """What reads a source, or a view of it."""
        return self._readers.get(name, [])

    def is_read_outside(self, name: str) -> bool:
        """Whether a source, or a view of it, is an output of the graph."""
        return name in self._read_outside

    def only_reader(self, name: str) -> Reader | None:
        """The one reader, if there is one and no other."""
        readers = self.readers(name)
        return None if len(readers) != 1 or name in self._read_outside else readers[0]

    def sizes(self, given: str) -> tuple[int, ...] | None:
        """The shape of an input, for some large number of rows.

        None if TensorFlow does not tell it, or if more than its first dimension
        depends on how many rows there are.
        """
        tensor = self._tensors.get(node_of(given))
        if tensor is None:
            return None
        if tensor.shape.is_fully_defined():
            sizes: tuple[int, ...] = tuple(tensor.shape.as_list())
        elif tensor.op.name in self._measured:
            sizes = self._measured[tensor.op.name]
        else:
            return None
        if self._batch and any(size and size % _PRIME == 0 for size in sizes[1:]):
            return None
        return sizes

    def leading(self, given: str) -> int | None:
        """How large an input's first dimension is for each row of the batch.

        Without a batch, how large it is.
        """
        sizes = self.sizes(given)
        if not sizes:
            return None
        if not self._batch:
            return sizes[0]
        return None if sizes[0] % self._batch else sizes[0] // self._batch

    def is_float(self, given: str) -> bool:
        """Whether an input is float32, and the first output of its node."""
        tensor = self._tensors.get(node_of(given))
        first = ":" not in given or given.endswith(":0")
        return first and tensor is not None and tensor.dtype == tf.float32

    def row_elements(self, given: str) -> int | None:
        """Elements for each of an input's first dimension, if it is of float32."""
        sizes = self.sizes(given)
        if sizes is None or len(sizes) < 2 or not self.is_float(given):
            return None
        elements = math.prod(sizes[1:])
        return elements if self.leading(given) and elements else None


def _sorted(operations: Sequence[Any]) -> Sequence[Any]:
    """Each behind those that it reads; loops of TensorFlow 1 have no order."""
    done: list[Any] = []
    seen: set[str] = set()
    pending = [(op, False) for op in reversed(operations)]
    while pending:
        op, is_ready = pending.pop()
        if is_ready:
            done.append(op)
        elif op.name not in seen:
            seen.add(op.name)
            pending.append((op, True))
            pending += [(tensor.op, False) for tensor in op.inputs]
    return done
