# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Adds checks to a frozen graph, in loops and branches as well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.checks.assertions import guarded
from tfnative_aot.checks.branches import (
    CASES,
    IFS,
    branch_graphs,
    branches,
    call,
)
from tfnative_aot.checks.facts import Caller, Facts
from tfnative_aot.checks.few_loops import in_few_loops
from tfnative_aot.checks.finding import Finding, words
from tfnative_aot.checks.functions import with_own_names
from tfnative_aot.checks.library import Body, Call, Library
from tfnative_aot.checks.merge import merged
from tfnative_aot.checks.old_control_flow import inside_old_control_flow
from tfnative_aot.checks.probes import Probes
from tfnative_aot.checks.rules import RULES
from tfnative_aot.checks.scope import Scope, Words, joined, word_count
from tfnative_aot.checks.while_loop import loop
from tfnative_aot.freeze.graph import Check, FrozenGraph
from tfnative_aot.freeze.offender import Offender, refuse
from tfnative_aot.freeze.static_shapes import without_weights
from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import node_of
from tfnative_aot.rows.verdict import shown

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_LOOPS = frozenset({"While", "StatelessWhile"})
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_NAME = "tfnative_checks"
_WHY_NOT = (
    "is checked by TensorFlow in a loop or branch of TensorFlow 1's, where compiled "
    "code cannot; --no-checks leaves all checks out"
)


def insert_checks(frozen: FrozenGraph) -> FrozenGraph:
    """The graph with a tensor that says what TensorFlow would have raised.

    Raises:
        CompileError: A node that is checked is where it cannot be. Lists all such.
    """
    graph_def = frozen.graph_def
    nodes = [graph_def.node, *(f.node_def for f in graph_def.library.function)]
    if not any(node.op in RULES for some in nodes for node in some):
        return frozen
    return _Inserter(frozen).result()


class _Inserter:
    def __init__(self, frozen: FrozenGraph) -> None:
        self._frozen = frozen
        self._whole = tf.Graph()
        self._library = Library(frozen.graph_def.library.function, self._whole)

    def result(self) -> FrozenGraph:
        frozen, graph = self._frozen, self._whole
        with graph.as_default():
            light = without_weights(frozen.graph_def)
            tf.graph_util.import_graph_def(light, name="")
        roots = [node_of(tensor.tensor) for tensor in frozen.outputs]
        nodes = {node.name: node for node in frozen.graph_def.node}
        heavy = {name: node for name, node in nodes.items() if node.op == "Const"}
        facts = Facts(heavy, Probes.of(frozen))
        asked = self._library.live.run(
            nodes.values(), [tensor.tensor for tensor in frozen.outputs]
        )
        scope = Scope(graph, nodes, asked, facts, is_function=False)
        with graph.as_default():
            parts = self._walk(scope, inside_old_control_flow(graph))
            found = joined(parts)
            if found is None:
                return frozen
            with graph.name_scope(f"{_NAME}_words/"):
                words = in_few_loops(found.tensor, word_count(found.checks))
            tf.identity(words, name=_NAME)
        name, graph_def = self._with(scope)
        kept = [*roots, *(node_of(t.tensor) for t in frozen.inputs), name]
        return replace(
            frozen,
            graph_def=prune(graph_def, kept),
            checks=found.checks,
            check_tensor=f"{name}:0",
        )

    def _with(self, scope: Scope) -> tuple[str, GraphDef]:
        """The graph with what was added, and the name of what was added last."""
        before = self._frozen.graph_def
        added: list[NodeDef] = list(scope.new_nodes())
        graph_def = GraphDef(versions=before.versions)
        graph_def.node.extend(scope.changed.get(n.name, n) for n in before.node)
        graph_def.node.extend(added)
        self._library.add_called(scope)
        graph_def.library.function.extend(self._library.all())
        with_own_names(graph_def, self._frozen.calls)
        return added[-1].name, graph_def

    def _walk(self, scope: Scope, hidden: frozenset[str]) -> list[Words]:
        """The words of all checks of a graph; those of ``hidden`` nodes are refused."""
        parts: list[Words] = []
        refused: list[Offender] = []
        for op in scope.graph.get_operations():
            if op.name not in scope.asked:
                continue
            with scope.graph.name_scope(f"{op.name}/check/"):
                found = self._node(op, scope)
            if found and op.name in hidden:
                name = shown(op.name)
                refused.append(Offender(name, name, op.type, _WHY_NOT, ""))
            parts += found
        refuse(self._frozen.signature, refused)
        with scope.graph.name_scope("tfnative_words/"):
            return merged(parts, scope.facts)

    def _node(self, op: Any, scope: Scope) -> list[Words]:
        library = self._library
        if op.type in RULES:
            found = RULES[op.type](op, scope.facts)
            return [_words(f, op, op.type, scope) for f in found]
        if op.type in IFS | CASES:
            graphs = branch_graphs(op, library)
            if op.type in IFS:
                inside = [(graph, n == 0) for n, (_, graph) in enumerate(graphs)]
                alone = guarded(op, inside, scope.facts)
                if alone is not None:
                    return [_words(f, op, "Assert", scope) for f in alone]
            return branches(op, graphs, scope, library, self._look)
        if op.type in _LOOPS:
            return loop(op, scope, library, self._look)
        if op.type in _CALLS and op.get_attr("f").name in self._frozen.calls:
            return []  # Quantized arrays: whatever they hold, there is a result.
        if op.type in _CALLS or op.type in library:
            return call(op, scope, library, self._look)
        return []

    def _look(self, of: Call) -> Body:
        function = self._library[of.name]
        tensors = {
            inner.op.name: outer
            for inner, outer in zip(of.graph.inputs, of.arguments, strict=True)
        }
        probes = of.scope.facts.probes.inside(
            lambda shapes: self._library.graph(of.name, shapes),
            [tensor.name for tensor in of.arguments],
        )
        facts = Facts({}, probes, Caller(of.scope.facts, tensors, of.loop))
        nodes = {node.name: node for node in function.node_def}
        asked = self._library.live.run_in(function, of.results)
        scope = Scope(of.graph, nodes, asked, facts, is_function=True)
        with of.graph.as_default():
            return Body(function, scope, joined(self._walk(scope, frozenset())))


def _words(finding: Finding, op: Any, kind: str, scope: Scope) -> Words:
    """A finding as words, and what is said of it."""
    sizes: tuple[int, ...] | None = ()
    if finding.checked is not None:
        sizes = scope.facts.sizes(finding.checked)
        if sizes is not None and finding.without_last:
            sizes = sizes[: -finding.without_last]
    if sizes is None:
        # Where it is cannot be said in the words of the ABI.
        finding = replace(
            finding,
            message=finding.message.replace("{@}", "?"),
            position=tf.where(finding.position >= 0, 0, -1),
        )
    check = Check(
        node=shown(op.name),
        op=kind,
        message=finding.message,
        value_count=len(finding.values),
        shape=sizes or (),
        joint=finding.joint,
    )
    return Words(words(finding), (check,), finding.span)
