# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the tensors at which the last part of a graph can begin."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfnative_aot.freeze.refusals import refused_ops
from tfnative_aot.load.reach import body_nodes, reachable_functions, waited_for
from tfnative_aot.load.source import BATCH, node_of
from tfnative_aot.split.edge_specs import EdgeSpecs, edge_specs
from tfnative_aot.split.heavy import is_heavy

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.load.source import SourceGraph


# What makes another whole number, or truth, of a number whose last bit differs.
_ROUNDS = frozenset("Ceil Floor Rint Round Sign".split())
_DECIDES = _ROUNDS | frozenset(
    "ArgMax ArgMin Cast Equal ExpandDims Greater GreaterEqual Identity Less LessEqual "
    "LogicalAnd LogicalNot LogicalOr NotEqual Reshape Squeeze StridedSlice TopK "
    "TopKV2".split()
)


class Regions:
    """Where the nodes of a graph belong, as far as what is refused decides that.

    Attributes:
        nodes: All, by name.
        refused: What of each node cannot be compiled, where something cannot.
        inputs: Names of the nodes that callers feed.
        head: What is refused and has heavy nodes behind it, with all that it needs.
        tail: All other nodes that are refused, and what depends on them.
        heavy: Products of matrices and convolutions.
        behind_heavy: These, and what depends on them.
    """

    def __init__(self, graph: SourceGraph) -> None:
        self.nodes = {node.name: node for node in graph.graph_def.node}
        self.inputs = {node_of(tensor) for tensor in graph.inputs.values()}
        refused = {n: refused_ops(node, graph.graph_def) for n, node in self._others()}
        self.refused = {name: ops for name, ops in refused.items() if ops}
        self.heavy = {name for name, node in self._others() if _runs_heavy(node, graph)}
        # What only has to run before something may as well run after it, if it has no
        # effect but to fail: tables are made before all that a function does.
        before = self._before(self.heavy)
        self.head = self._before(self.refused.keys() & before)
        self.behind_heavy = self._behind(self.heavy)
        self.tail = self._behind(self.refused.keys() - before) - self.head

    def _others(self) -> Iterable[tuple[str, NodeDef]]:
        return (item for item in self.nodes.items() if item[0] not in self.inputs)

    def _before(self, names: Iterable[str]) -> set[str]:
        """These nodes, and those whose results they are computed from."""
        found, waiting = set[str](), list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(node_of(source) for source in _data(self.nodes[name]))
        return found

    def _behind(self, names: Iterable[str]) -> set[str]:
        """These nodes, and those that compute something of what they give."""
        readers: dict[str, list[str]] = {}
        for name, node in self.nodes.items():
            for source in _data(node):
                readers.setdefault(node_of(source), []).append(name)
        found, waiting = set[str](), list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(readers.get(name, ()))
        return found


@dataclass(frozen=True)
class Frontier:
    """How the last part of a graph is cut off.

    Attributes:
        kept: Names of the nodes of the last part. Cheap ones, and constants, may be in
            the first part, too.
        crossing: Tensors of the first part that the last one reads.
        passed: Names of the outputs that the first part computes by itself.
        controls: Nodes of the first part that ran before some of the last.
        targets: Nodes of the last part that ran before some of the first.
    """

    kept: frozenset[str]
    crossing: frozenset[str]
    passed: frozenset[str]
    controls: frozenset[str]
    targets: frozenset[str]


class FrontierFinder:
    """Cuts a graph as late as it can.

    Attributes:
        specs: Of the tensors that might cross.
    """

    def __init__(
        self,
        graph: SourceGraph,
        regions: Regions,
        shapes: Mapping[str, tuple[int, ...]],
        *,
        open_rows: bool,
    ) -> None:
        """Makes one.

        Args:
            graph: The graph.
            regions: Of it.
            shapes: Of its inputs, fixed but for the batch.
            open_rows: Whether the number of rows may be taken for that of the inputs
                where it is not known. Compiled code checks it.
        """
        self.regions = regions
        self._graph = graph
        self._has_batch = any(BATCH in shape for shape in shapes.values())
        self.specs = self._specs(shapes, open_rows)

    def find(self, *, rows_only: bool, decided: bool) -> Frontier:
        """Where to cut.

        Args:
            rows_only: Whether only tensors with rows are to cross.
            decided: Whether decisions may cross, as the place of the largest number.
                If not, the numbers do, which can be compared but for rounding.
        """
        nodes, tail = self.regions.nodes, self.regions.tail
        targets = waited_for(nodes, tail)
        outputs = self._graph.outputs
        passed = {
            name for name, t in outputs.items() if self._gives(t, rows_only=rows_only)
        }
        waiting = [t for name, t in outputs.items() if name not in passed]
        waiting += [f"{name}:0" for name in targets]
        kept, crossing, controls = set[str](), set[str](), set[str]()
        while waiting:
            tensor = waiting.pop()
            name = node_of(tensor)
            if name in kept:
                continue
            if self._crosses(tensor, rows_only) and (
                decided or not self._is_decision(tensor)
            ):
                crossing.add(tensor)
                continue
            kept.add(name)
            if name in self.regions.inputs:
                continue
            for source in nodes[name].input:
                if not source.startswith("^"):
                    waiting.append(_tensor(source))
                elif self._is_in_front(source[1:]):
                    controls.add(source[1:])
                else:
                    waiting.append(f"{source[1:]}:0")
        return Frontier(*map(frozenset, (kept, crossing, passed, controls, targets)))

    def _specs(
        self, shapes: Mapping[str, tuple[int, ...]], open_rows: bool
    ) -> EdgeSpecs:
        read = {
            _tensor(source)
            for node in self.regions.nodes.values()
            for source in _data(node)
        }
        read.update(self._graph.outputs.values())
        known = {t for t in read if self._is_compiled(node_of(t))}
        return edge_specs(self._graph, known, shapes, open_rows)

    def _is_compiled(self, name: str) -> bool:
        regions = self.regions
        return (
            name not in regions.head
            and name not in regions.tail
            and regions.nodes[name].op != "Const"
        )

    def _gives(self, tensor: str, *, rows_only: bool) -> bool:
        """Whether compiled code can give a tensor."""
        spec = self.specs.get(tensor)
        if spec is None:
            return False
        return not (rows_only and self._has_batch) or spec[1][:1] == (BATCH,)

    def _crosses(self, tensor: str, rows_only: bool) -> bool:
        """Whether a tensor is to be compiled, and not computed once more."""
        return self._is_in_front(node_of(tensor)) and self._gives(
            tensor, rows_only=rows_only
        )

    def _is_decision(self, tensor: str) -> bool:
        """Whether cheap nodes make it of numbers by looking which is larger."""
        spec, op = self.specs[tensor], self.regions.nodes[node_of(tensor)].op
        assert spec is not None
        is_whole = spec[0].startswith(("int", "uint", "bool"))
        return op in _ROUNDS or (is_whole and op in _DECIDES)

    def _is_in_front(self, name: str) -> bool:
        """Whether a node's result is worth to be compiled."""
        regions = self.regions
        if not self._is_compiled(name) or name in regions.inputs:
            return False
        return not regions.heavy or name in regions.behind_heavy


def blamed(regions: Regions, kept: Collection[str]) -> tuple[str, ...]:
    """The ops because of which some nodes are left to TensorFlow, sorted."""
    names = regions.refused.keys() & kept
    ops = set().union(*(regions.refused[name] for name in names))
    return tuple(sorted(ops or {regions.nodes[name].op for name in kept}))


def _runs_heavy(node: NodeDef, graph: SourceGraph) -> bool:
    functions = reachable_functions(graph.graph_def, [node])
    called = [each for function in functions for each in body_nodes(function)]
    return any(is_heavy(each.op) for each in (node, *called))


def _data(node: NodeDef) -> list[str]:
    return [name for name in node.input if not name.startswith("^")]


def _tensor(name: str) -> str:
    return name if ":" in name else f"{name}:0"
