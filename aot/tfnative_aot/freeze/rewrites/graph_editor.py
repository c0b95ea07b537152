# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A graph that can be looked through in both directions, and changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.freeze.rewrites.traced import trace
from tfnative_aot.freeze.static_shapes import without_weights
from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_PASSES_ON = ("Identity", "Snapshot", "StopGradient", "PreventGradient")
_SWITCHES = frozenset({"RefSwitch", "Switch"})
_OLD_CONTROL_FLOW = _SWITCHES | {"Enter", "RefEnter"}


class GraphEditor:
    """Holds a copy of a graph. Nodes that it hands out may be changed in place.

    Attributes:
        function: Of which it is the body, or "".
    """

    def __init__(
        self, graph_def: GraphDef, outputs: Collection[str], function: str = ""
    ) -> None:
        self.function = function
        self._graph_def = GraphDef()
        self._graph_def.CopyFrom(graph_def)
        self._outputs = frozenset(outputs)
        self._nodes = {node.name: node for node in self._graph_def.node}
        self._readers: dict[str, list[str]] = {}
        for node in self._graph_def.node:
            for source in node.input:
                if not source.startswith("^"):
                    self._readers.setdefault(node_of(source), []).append(node.name)
        ops = {node.op for node in self._graph_def.node}
        self._has_old_control_flow = not ops.isdisjoint(_OLD_CONTROL_FLOW)

    def graph_def(self) -> GraphDef:
        """The graph as it is now, without what nothing needs any more."""
        return prune(self._graph_def, self._outputs)

    def nodes(self, *ops: str) -> Iterator[NodeDef]:
        """The nodes of some ops, or of all if none is named.

        The graph may change while they are gone through.
        """
        nodes = [*self._nodes.values()]
        yield from (node for node in nodes if not ops or node.op in ops)

    def node(self, name: str) -> NodeDef:
        """The node of this name."""
        return self._nodes[name]

    def outputs(self) -> list[NodeDef]:
        """The nodes that are fetched."""
        return [self._nodes[name] for name in sorted(self._outputs)]

    def source(self, node: NodeDef, place: int) -> NodeDef | None:
        """The node whose first output is input number ``place``, if it is one."""
        name = node.input[place]
        if name.startswith("^") or (not name.endswith(":0") and ":" in name):
            return None
        return self._nodes[node_of(name)]

    def constant(self, node: NodeDef, place: int) -> NDArray[Any] | None:
        """The value of input number ``place``, if it is a constant."""
        source = self.constant_node(node, place)
        if source is None:
            return None
        value: NDArray[Any] = tf.make_ndarray(source.attr["value"].tensor)
        return value

    def constant_node(self, node: NodeDef, place: int) -> NodeDef | None:
        """The Const that input number ``place`` is, at once or passed on."""
        source = self.source(node, place)
        while source is not None and source.op in _PASSES_ON:
            source = self.source(source, 0)
        return None if source is None or source.op != "Const" else source

    def size(self, node: NodeDef, place: int, axis: int) -> int | None:
        """A size of input number ``place``, as far as TensorFlow infers it."""
        shape = self._shape(node.input[place])
        size: int | None = None if shape.rank is None else shape[axis]
        return size

    def is_scalar(self, node: NodeDef) -> bool:
        """Whether TensorFlow infers that a node's first output has no dimensions."""
        return bool(self._shape(node.name).rank == 0)

    def _shape(self, name: str) -> Any:
        with tf.Graph().as_default() as graph:
            light = without_weights(self.graph_def())
            tf.graph_util.import_graph_def(light, name="")
            tensor = graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
        return tensor.shape

    def only_reader(self, node: NodeDef) -> tuple[NodeDef, int] | None:
        """The one node that reads ``node``, and at which input.

        None if there are several, if it reads another output than the first, or if
        ``node`` is fetched.
        """
        readers = self._readers.get(node.name, [])
        if len(readers) != 1 or node.name in self._outputs:
            return None
        reader = self._nodes[readers[0]]
        for place, name in enumerate(reader.input):
            if name in (node.name, f"{node.name}:0"):
                return reader, place
        return None

    def is_output(self, node: NodeDef) -> bool:
        """Whether the node is fetched."""
        return node.name in self._outputs

    def add_constant(self, name: str, value: NDArray[Any], reader: NodeDef) -> str:
        """Adds a constant; returns its name, which starts with ``name``.

        Args:
            name: What it is called, unless that is taken.
            value: What it is.
            reader: What reads it, or is about to.
        """
        unique = self._unique(name)
        node = self._graph_def.node.add(name=unique, op="Const")
        tensor = tf.make_tensor_proto(value)
        node.attr["value"].tensor.CopyFrom(tensor)
        node.attr["dtype"].type = tensor.dtype
        self._nodes[unique] = node
        self._keep_beside(node, self._beside(reader))
        return unique

    def _beside(self, reader: NodeDef) -> str:
        """What ``reader`` reads, for ``_keep_beside``: no constant if it can be."""
        given: list[str] = [name for name in reader.input if name[0] != "^"]
        for place, name in enumerate(given):
            if self.constant(reader, place) is None:
                return name
        return given[0]

    def _keep_beside(self, node: NodeDef, neighbour: str) -> None:
        """Lets a node without inputs run where, and when, a tensor is computed.

        In the loops and branches of TensorFlow 1, nothing else says which round of
        which loop it belongs to, and whether it runs at all. Inputs are in none, and
        XLA has them as arguments, which nothing can wait for.
        """
        source = self._nodes[node_of(neighbour)]
        if not self._has_old_control_flow or source.op == "Placeholder":
            return
        if source.op in _SWITCHES:
            source = self._taken(source, neighbour)
        node.input.append(f"^{source.name}")

    def _taken(self, switch: NodeDef, branch: str) -> NodeDef:
        """What runs if one of the branches of a Switch does; the Switch always does."""
        name = (
            f"{switch.name}/taken_{branch.rpartition(':')[2] if ':' in branch else 0}"
        )
        known = self._nodes.get(name)
        if known is not None:
            return known
        added = self._graph_def.node.add(name=name, op="Identity")
        added.input.append(branch)
        added.attr["T"].type = switch.attr["T"].type
        self._nodes[name] = added
        self._readers.setdefault(switch.name, []).append(name)
        return added

    def insert(self, node: NodeDef, place: int, op: str, dtype: int) -> NodeDef:
        """Puts an op of one input, of some element type, before input ``place``."""
        name = self._unique(f"{node.name}/{op}_{place}")
        added = self._graph_def.node.add(name=name, op=op)
        added.input.append(node.input[place])
        added.attr["T"].type = dtype
        self._nodes[name] = added
        self._readers.setdefault(node_of(node.input[place]), []).append(name)
        self.set_input(node, place, name)
        return added

    def readers(self, node: NodeDef) -> list[NodeDef]:
        """The nodes that read any output of ``node``."""
        return [self._nodes[name] for name in self._readers.get(node.name, [])]

    def add_input(self, node: NodeDef, source: str) -> None:
        """Lets a node without control inputs read one more tensor."""
        node.input.append(source)
        self._readers.setdefault(node_of(source), []).append(node.name)

    def move_aside(self, node: NodeDef) -> None:
        """Lets a node with one output become an Identity of what it was."""
        moved = self._graph_def.node.add()
        moved.CopyFrom(node)
        moved.name = f"{node.name}/before"
        self._nodes[moved.name] = moved
        for name in node.input:
            if not name.startswith("^"):
                self._readers.setdefault(node_of(name), []).append(moved.name)
        self.become(node, "Identity", [moved.name])

    def set_input(self, node: NodeDef, place: int, source: str) -> None:
        """Lets input number ``place`` read another tensor."""
        self._readers[node_of(node.input[place])].remove(node.name)
        node.input[place] = source
        self._readers.setdefault(node_of(source), []).append(node.name)

    def become(
        self,
        node: NodeDef,
        op: str,
        inputs: list[str],
        types: Mapping[str, int] | None = None,
    ) -> None:
        """Makes ``node`` another op, which keeps its name and type.

        Args:
            node: The node.
            op: An op whose required attributes are all types.
            inputs: What it reads. Control inputs stay.
            types: These, by attribute; that of the node's elements, T, by default.
        """
        control = [name for name in node.input if name.startswith("^")]
        for name in node.input:
            if not name.startswith("^"):
                self._readers[node_of(name)].remove(node.name)
        for name in inputs:
            self._readers.setdefault(node_of(name), []).append(node.name)
        del node.input[:]
        node.input.extend([*inputs, *control])
        node.op = op
        types = types or {"T": node.attr["T"].type}
        node.attr.clear()
        for attribute, value in types.items():
            node.attr[attribute].type = value

    def replace(
        self, node: NodeDef, function: Callable[..., Any], specs: Sequence[Any]
    ) -> None:
        """Puts what a TensorFlow function computes in the place of a node.

        Args:
            node: A node with one output, which becomes an Identity of the result.
            function: Takes the node's inputs, constants with their values.
            specs: A tf.TensorSpec of each input; one is not needed for those at the
                end that are constants.
        """
        given = [name for name in node.input if not name.startswith("^")]
        values = [self.constant(node, place) for place in range(len(given))]
        traced = trace(function, specs, values)
        traced.add_library(self._graph_def.library)
        free = [given[place] for place in traced.free]
        sources = dict(zip(traced.inputs, free, strict=True))
        prefix = f"{node.name}/parts"
        for inner in traced.graph.node:
            if inner.name not in sources:
                added = self._add(inner, prefix, sources)
                if not added.input:
                    self._keep_beside(added, (free or given)[0])
        self.become(node, "Identity", [f"{prefix}/{traced.output}"])
        node.attr["T"].type = traced.output_type

    def _unique(self, name: str) -> str:
        unique, count = name, 1
        while unique in self._nodes:
            unique, count = f"{name}_{count}", count + 1
        return unique

    def _add(self, inner: NodeDef, prefix: str, sources: Mapping[str, str]) -> NodeDef:
        """Adds a node of a traced function, for whose arguments ``sources`` stand."""
        added = self._graph_def.node.add()
        added.CopyFrom(inner)
        added.name = f"{prefix}/{inner.name}"
        for place, name in enumerate(inner.input):
            argument = sources.get(node_of(name))
            if name.startswith("^"):
                added.input[place] = f"^{prefix}/{node_of(name)}"
                continue
            added.input[place] = argument or f"{prefix}/{name}"
            reader = self._readers.setdefault(node_of(added.input[place]), [])
            reader.append(added.name)
        self._nodes[added.name] = added
        return added
