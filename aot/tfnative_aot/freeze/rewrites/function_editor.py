# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A function's body, as those of loops and branches, whose nodes can be replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from numpy.typing import NDArray

from tfnative_aot.freeze.rewrites.traced import Traced, trace
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef


class FunctionEditor:
    """Changes a function of a graph's library in place."""

    def __init__(self, graph_def: GraphDef, function: FunctionDef) -> None:
        self._library = graph_def.library
        self._function = function
        self._nodes = {node.name: node for node in function.node_def}

    def nodes(self, *ops: str) -> Iterator[NodeDef]:
        """The nodes of some ops. The body may change while they are gone through."""
        yield from [node for node in self._nodes.values() if node.op in ops]

    def source(self, node: NodeDef, place: int) -> NodeDef | None:
        """The node that has input number ``place`` as an output, if there is one."""
        return self._nodes.get(node_of(node.input[place]))

    def replace(
        self, node: NodeDef, function: Callable[..., Any], specs: Sequence[Any]
    ) -> None:
        """Puts what a TensorFlow function computes in the place of a node.

        Args:
            node: A node with one output, which becomes an Identity of the result.
            function: Takes the node's inputs, constants with their values.
            specs: A tf.TensorSpec of each input.
        """
        given = [name for name in node.input if not name.startswith("^")]
        traced = trace(
            function, specs, [self.constant(node, place) for place in range(len(given))]
        )
        traced.add_library(self._library)
        prefix = f"{node.name}/parts"
        result = self._add(traced, given, prefix)
        control = [name for name in node.input if name.startswith("^")]
        del node.input[:]
        node.input.extend([result, *control])
        node.op = "Identity"
        node.attr.clear()
        node.attr["T"].type = traced.output_type
        self._rename_output(node)

    def constant(self, node: NodeDef, place: int) -> NDArray[Any] | None:
        """The value of input number ``place``, if it is a constant."""
        source = self.source(node, place)
        if source is None or source.op != "Const":
            return None
        value: NDArray[Any] = tf.make_ndarray(source.attr["value"].tensor)
        return value

    def _add(self, traced: Traced, given: Sequence[str], prefix: str) -> str:
        """Adds what was traced; returns its result as an input of other nodes."""
        body = traced.body
        free = [given[place] for place in traced.free]
        names = [argument.name for argument in body.signature.input_arg]
        sources = dict(zip(names, free, strict=True))
        for inner in body.node_def:
            added = self._function.node_def.add()
            added.CopyFrom(inner)
            added.name = f"{prefix}/{inner.name}"
            for place, name in enumerate(inner.input):
                if name.startswith("^"):
                    added.input[place] = f"^{prefix}/{name[1:]}"
                else:
                    added.input[place] = sources.get(name) or f"{prefix}/{name}"
            self._nodes[added.name] = added
        (result,) = body.ret.values()
        return sources.get(result) or f"{prefix}/{result}"

    def _rename_output(self, node: NodeDef) -> None:
        """In a body, others name the output of a node by what its op calls it."""
        now = f"{node.name}:output:0"

        def is_of_node(name: str) -> bool:
            return name.partition(":")[0] == node.name and ":" in name

        for reader in self._function.node_def:
            for place, name in enumerate(reader.input):
                if is_of_node(name):
                    reader.input[place] = now
        for result, name in self._function.ret.items():
            if is_of_node(name):
                self._function.ret[result] = now
