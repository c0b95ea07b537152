# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts a graph before what cannot be compiled to its end.

The tail is what the compiler refuses at the end of a graph, and what depends on that;
the front is the rest, of which TensorFlow may have to run a head.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import BATCH, Signature, SourceGraph, TensorSpec, node_of
from tfnative_aot.split.frontier import (
    Frontier,
    FrontierFinder,
    Regions,
    blamed,
)
from tfnative_aot.split.names import readable_names

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

# What computes nothing: of these alone, there is nothing to compile.
_IDLE = frozenset(
    "Assert Cast Const ExpandDims Identity IdentityN NoOp Pack Placeholder Reshape "
    "Shape Squeeze StopGradient Transpose".split()
)


@dataclass(frozen=True)
class TailCut:
    """A graph in two parts, of which TensorFlow runs the second.

    Attributes:
        whole: All of it, without calls and variables.
        front: The first part, with an output for each tensor that it gives.
        front_signature: Of it.
        graph: The second part. Its inputs are those of the whole that it reads, and
            then what it reads of the first part, by the names of its outputs.
        signature: Likewise; sizes that are not known are None.
        reads: Names of the front's outputs that it reads.
        passes: Names of the front's outputs that are those of the whole.
        ops: What the compiler refuses of it, sorted.
    """

    whole: SourceGraph
    front: SourceGraph
    front_signature: Signature
    graph: SourceGraph
    signature: Signature
    reads: tuple[str, ...]
    passes: tuple[str, ...]
    ops: tuple[str, ...]

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs of the whole that the tail reads."""
        return tuple(t for t in self.signature.inputs if t.name not in self.reads)


def cut_tail(
    graph: SourceGraph, signature: Signature, shapes: Mapping[str, tuple[int, ...]]
) -> TailCut | None:
    """Cuts a graph before its tail; None if little would be left before that.

    Args:
        graph: Of a signature, without calls and variables.
        signature: The signature.
        shapes: Of its inputs, fixed but for the batch.
    """
    regions = Regions(graph)

    @cache
    def finder(open_rows: bool) -> FrontierFinder:
        return FrontierFinder(graph, regions, shapes, open_rows=open_rows)

    ways = product((True, False), (False, True), (False, True))
    for rows_only, open_rows, decided in ways:
        found = finder(open_rows).find(rows_only=rows_only, decided=decided)
        if _leaves_work(regions, found):
            one = finder(open_rows)
            return _Builder(graph, signature, shapes, one, found).build()
    return None


def _leaves_work(regions: Regions, found: Frontier) -> bool:
    """Whether all heavy nodes are left to compiled code; or any, if none is heavy."""
    if not found.kept or (not found.crossing and not found.passed):
        return False
    if regions.heavy:
        return not regions.heavy & found.kept
    front = regions.nodes.keys() - regions.tail - regions.head - found.kept
    return any(regions.nodes[name].op not in _IDLE for name in front)


class _Builder:
    """Makes the two graphs of a frontier."""

    def __init__(
        self,
        graph: SourceGraph,
        signature: Signature,
        shapes: Mapping[str, tuple[int, ...]],
        finder: FrontierFinder,
        found: Frontier,
    ) -> None:
        self._graph = graph
        self._signature = signature
        self._shapes = shapes
        self._finder = finder
        self._found = found
        passed = {name: graph.outputs[name] for name in sorted(found.passed)}
        known = {tensor: name for name, tensor in passed.items()}
        taken = {spec.name for spec in (*signature.inputs, *signature.outputs)}
        others = found.crossing - known.keys()
        names = readable_names(others, taken, {})
        self._reads = {known[t]: t for t in sorted(found.crossing & known.keys())}
        self._reads |= names
        self._gives = passed | names
        self._passes = tuple(passed)

    def build(self) -> TailCut:
        """The two parts."""
        front, front_signature = self._front()
        direct = tuple(
            spec
            for spec in self._signature.inputs
            if node_of(self._graph.inputs[spec.name]) in self._found.kept
            or spec.name not in front.inputs
        )
        graph, signature = self._tail(direct)
        return TailCut(
            self._graph,
            front,
            front_signature,
            graph,
            signature,
            tuple(self._reads),
            self._passes,
            blamed(self._finder.regions, self._found.kept),
        )

    def _front(self) -> tuple[SourceGraph, Signature]:
        nodes = self._finder.regions.nodes
        lost = {f"^{name}" for name in self._finder.regions.tail}
        graph_def = self._empty()
        for name, node in nodes.items():
            if name not in self._finder.regions.tail:
                _add(graph_def, node, [i for i in node.input if i not in lost])
        controls = [f"^{name}" for name in sorted(self._found.controls)]
        outputs = {}
        for index, (name, tensor) in enumerate(self._gives.items()):
            identity = graph_def.node.add(name=f"tfnative_front/{index}", op="Identity")
            identity.input.extend([tensor, *controls])
            identity.attr["T"].type = _number(self._spec(tensor)[0])
            outputs[name] = f"{identity.name}:0"
        roots = tuple(node_of(tensor) for tensor in outputs.values())
        pruned = prune(graph_def, roots)
        reached = {node.name for node in pruned.node}
        inputs = {n: t for n, t in self._graph.inputs.items() if node_of(t) in reached}
        signature = Signature(
            self._signature.name,
            tuple(s for s in self._signature.inputs if s.name in inputs),
            tuple(
                _tensor_spec(name, tensor, *self._spec(self._gives[name]))
                for name, tensor in sorted(outputs.items())
            ),
        )
        return SourceGraph(pruned, inputs, outputs, roots), signature

    def _tail(self, direct: Iterable[TensorSpec]) -> tuple[SourceGraph, Signature]:
        nodes = self._finder.regions.nodes
        read = {t: f"tfnative_tail/{i}" for i, t in enumerate(self._reads.values())}
        graph_def = self._empty()
        for tensor, name in read.items():
            dtype, shape = self._spec(tensor)
            placeholder = graph_def.node.add(name=name, op="Placeholder")
            placeholder.attr["dtype"].type = _number(dtype)
            placeholder.attr["shape"].shape.SetInParent()
            for size in shape:
                placeholder.attr["shape"].shape.dim.add(size=size)
        direct = tuple(direct)
        kept = self._found.kept | {node_of(spec.tensor) for spec in self._fed(direct)}
        for name, node in nodes.items():
            if name in kept:
                _add(graph_def, node, list(self._sources(node, read, kept)))
        outputs = {
            name: tensor
            for name, tensor in self._graph.outputs.items()
            if name not in self._passes
        }
        inputs = {spec.name: spec for spec in self._fed(direct)}
        for name, tensor in self._reads.items():
            inputs[name] = _tensor_spec(name, f"{read[tensor]}:0", *self._spec(tensor))
        roots = sorted({node_of(t) for t in outputs.values()} | self._found.targets)
        signature = Signature(
            self._signature.name,
            tuple(inputs.values()),
            tuple(s for s in self._signature.outputs if s.name in outputs),
        )
        tensors = {name: spec.tensor for name, spec in inputs.items()}
        return SourceGraph(graph_def, tensors, outputs, tuple(roots)), signature

    def _fed(self, direct: Iterable[TensorSpec]) -> Iterable[TensorSpec]:
        """Inputs of the whole, in the graph, with their shapes."""
        for spec in direct:
            tensor = self._graph.inputs[spec.name]
            yield _tensor_spec(spec.name, tensor, spec.dtype, self._shapes[spec.name])

    def _sources(
        self, node: NodeDef, read: Mapping[str, str], kept: Iterable[str]
    ) -> Iterable[str]:
        for name in node.input:
            tensor = name if ":" in name else f"{name}:0"
            if name.startswith("^"):
                if name[1:] in kept:
                    yield name
            elif tensor in read and node_of(name) not in kept:
                yield read[tensor]
            else:
                yield name

    def _spec(self, tensor: str) -> tuple[str, tuple[int, ...]]:
        spec = self._finder.specs[tensor]
        assert spec is not None
        return spec

    def _empty(self) -> GraphDef:
        whole = self._graph.graph_def
        return GraphDef(versions=whole.versions, library=whole.library)


def _add(graph_def: GraphDef, node: NodeDef, sources: Iterable[str]) -> None:
    copy = graph_def.node.add()
    copy.CopyFrom(node)
    del copy.input[:]
    copy.input.extend(sources)


def _number(dtype: str) -> int:
    return int(tf.dtypes.as_dtype(dtype).as_datatype_enum)


def _tensor_spec(
    name: str, tensor: str, dtype: str, shape: tuple[int, ...]
) -> TensorSpec:
    sizes = tuple(None if size == BATCH else size for size in shape)
    return TensorSpec(name, tensor, dtype, sizes)
