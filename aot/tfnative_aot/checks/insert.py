# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Adds checks to a frozen graph, in loops and branches as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot import adapters
from tfnative_aot.checks import functions
from tfnative_aot.checks.assertions import guarded
from tfnative_aot.checks.facts import Caller, Facts
from tfnative_aot.checks.finding import Finding, words
from tfnative_aot.checks.loops import Loop
from tfnative_aot.checks.old_control_flow import inside_old_control_flow
from tfnative_aot.checks.probes import Probes
from tfnative_aot.checks.rules import RULES
from tfnative_aot.checks.scope import (
    Scope,
    Words,
    joined,
    nothing_failed,
    positions,
    word_count,
)
from tfnative_aot.freeze.graph import Check, FrozenGraph
from tfnative_aot.freeze.offender import Offender, refuse
from tfnative_aot.freeze.static_shapes import without_weights
from tfnative_aot.load.reach import body_nodes, prune, reachable_nodes
from tfnative_aot.load.source import node_of
from tfnative_aot.rows.verdict import shown

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_IFS = frozenset({"If", "StatelessIf"})
_CASES = frozenset({"Case", "StatelessCase"})
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
    if not _has_rules(frozen.graph_def):
        return frozen
    return _Inserter(frozen).result()


def _has_rules(graph_def: GraphDef) -> bool:
    nodes = [graph_def.node, *(f.node_def for f in graph_def.library.function)]
    return any(node.op in RULES for some in nodes for node in some)


@dataclass(frozen=True)
class _Body:
    """A function that was looked through: its checks, or None if there are none."""

    scope: Scope
    words: Words | None


class _Inserter:
    def __init__(self, frozen: FrozenGraph) -> None:
        self._frozen = frozen
        graph_def = frozen.graph_def
        self._functions: dict[str, FunctionDef] = {
            function.signature.name: functions.without_shapes(function)
            for function in graph_def.library.function
        }
        self._added: list[FunctionDef] = []
        self._whole = tf.Graph()

    def result(self) -> FrozenGraph:
        frozen, graph = self._frozen, self._whole
        light = without_weights(frozen.graph_def)
        with graph.as_default():
            tf.graph_util.import_graph_def(light, name="")
        roots = [node_of(tensor.tensor) for tensor in frozen.outputs]
        nodes = reachable_nodes(frozen.graph_def.node, roots)
        heavy = {node.name: node for node in nodes if node.op == "Const"}
        facts = Facts(heavy, Probes.of(frozen))
        written = {node.name: node for node in nodes}
        scope = Scope(graph, written, facts, "", is_function=False)
        with graph.as_default():
            found = joined(self._walk(scope, inside_old_control_flow(graph)))
            if found is None:
                return frozen
            tf.identity(found.tensor, name=_NAME)
        added = list(scope.new_nodes())
        result = GraphDef(versions=frozen.graph_def.versions)
        result.node.extend(scope.changed.get(n.name, n) for n in frozen.graph_def.node)
        result.node.extend(added)
        library = [*self._functions.values(), *self._added]
        known = {function.signature.name for function in library}
        library += scope.new_functions(known)
        result.library.function.extend(library)
        functions.with_own_names(result)
        name = added[-1].name
        kept = [*roots, *(node_of(t.tensor) for t in frozen.inputs), name]
        return replace(
            frozen,
            graph_def=prune(result, kept),
            checks=found.checks,
            check_tensor=f"{name}:0",
        )

    def _walk(self, scope: Scope, hidden: frozenset[str]) -> list[Words]:
        """The words of all checks of a graph; those of ``hidden`` nodes are refused."""
        parts: list[Words] = []
        refused: list[Offender] = []
        for op in scope.graph.get_operations():
            if op.name not in scope.written:
                continue
            with scope.graph.name_scope(f"{op.name}/check/"):
                found = self._node(op, scope)
            if found and op.name in hidden:
                refused.append(Offender(op.name, op.name, op.type, _WHY_NOT, ""))
            parts += found
        refuse(self._frozen.signature, refused)
        return parts

    def _node(self, op: Any, scope: Scope) -> list[Words]:
        if op.type in RULES:
            found = RULES[op.type](op, scope.facts)
            return [self._words(finding, op, scope) for finding in found]
        if op.type in _IFS | _CASES:
            return self._branches(op, scope)
        if op.type in _LOOPS:
            return self._loop(op, scope)
        if op.type in _CALLS or op.type in self._functions:
            return self._call(op, scope)
        return []

    def _words(self, finding: Finding, op: Any, scope: Scope) -> Words:
        sizes: tuple[int, ...] | None = ()
        message = finding.message
        if finding.checked is not None:
            sizes = scope.facts.sizes(finding.checked)
            if sizes is not None and finding.without_last:
                sizes = sizes[: -finding.without_last]
        position = finding.position
        if sizes is None:
            # Where it is cannot be said in the words of the ABI.
            message, sizes = message.replace("{@}", "?"), ()
            finding = replace(finding, position=tf.where(position >= 0, 0, -1))
        check = Check(
            node=shown(op.name),
            op=op.type,
            message=message,
            value_count=len(finding.values),
            shape=sizes,
        )
        return Words(words(finding), (check,))

    def _function(
        self,
        name: str,
        arguments: Sequence[Any],
        scope: Scope,
        prefix: str,
        loop: Loop | None = None,
        graph: Any = None,
    ) -> _Body:
        """Looks through a function that is called with tensors of a graph."""
        function = self._functions[name]
        graph = graph or self._function_graph(name, [a.shape for a in arguments])
        tensors = {
            inner.op.name: outer
            for inner, outer in zip(graph.inputs, arguments, strict=True)
        }
        probes = scope.facts.probes.inside(
            lambda shapes: self._function_graph(name, shapes),
            [tensor.name for tensor in arguments],
        )
        facts = Facts({}, probes, Caller(scope.facts, tensors, loop))
        written = {node.name: node for node in body_nodes(function)}
        inner = Scope(graph, written, facts, f"{prefix}/", is_function=True)
        with graph.as_default():
            return _Body(inner, joined(self._walk(inner, frozenset())))

    def _function_graph(self, name: str, shapes: Sequence[Any]) -> Any:
        with self._whole.as_default():
            return adapters.tf().function_graph(self._functions[name], shapes)

    def _new_name(self, name: str) -> str:
        return f"{name}_checked_{len(self._added)}"

    def _add(self, function: FunctionDef, scope: Scope | None) -> str:
        self._added.append(function)
        if scope is not None:
            known = {f.signature.name for f in (*self._functions.values(), *self._added)}
            self._added += scope.new_functions(known)
        return str(function.signature.name)

    def _call(self, op: Any, scope: Scope) -> list[Words]:
        is_direct = op.type in self._functions
        name = op.type if is_direct else op.get_attr("f").name
        body = self._function(name, op.inputs, scope, scope.prefix + op.name)
        if body.words is None:
            return []
        function = functions.with_words(
            self._functions[name], body.scope, body.words.tensor, self._new_name(name)
        )
        new = self._add(function, body.scope)
        node = scope.change(op.name)
        if is_direct:
            node.op = new
            output, index = functions.WORDS, 0 if scope.is_function else len(op.outputs)
        else:
            node.attr["f"].func.name = new
            _add_type(node, "Tout")
            output, index = "output", len(op.outputs)
        count = word_count(body.words.checks)
        tensor = scope.stand_in(count, op.name, output, index)
        return [Words(tensor, body.words.checks)]

    def _branches(self, op: Any, scope: Scope) -> list[Words]:
        is_if = op.type in _IFS
        if is_if:
            names = [op.get_attr(f"{which}_branch").name for which in ("then", "else")]
        else:
            names = [function.name for function in op.get_attr("branches")]
        shapes = [tensor.shape for tensor in op.inputs[1:]]
        graphs = [self._function_graph(name, shapes) for name in names]
        if is_if:
            simple = guarded(op, [(graphs[0], True), (graphs[1], False)], scope.facts)
            if simple is not None:
                return [self._words(finding, op, scope) for finding in simple]
        bodies = [
            self._function(name, op.inputs[1:], scope, scope.prefix + op.name, None, g)
            for name, g in zip(names, graphs, strict=True)
        ]
        per_branch = [body.words.checks if body.words else () for body in bodies]
        checks = tuple(check for some in per_branch for check in some)
        if not checks:
            return []
        new = [
            self._branch(name, body, number, per_branch)
            for number, (name, body) in enumerate(zip(names, bodies, strict=True))
        ]
        node = scope.change(op.name)
        if is_if:
            node.attr["then_branch"].func.name = new[0]
            node.attr["else_branch"].func.name = new[1]
        else:
            for each, name in zip(node.attr["branches"].list.func, new, strict=True):
                each.name = name
        _add_type(node, "Tout")
        _add_shape(node)
        count = word_count(checks)
        return [Words(scope.stand_in(count, op.name, "output", len(op.outputs)), checks)]

    def _branch(
        self,
        name: str,
        body: _Body,
        number: int,
        per_branch: Sequence[tuple[Check, ...]],
    ) -> str:
        """A branch that gives the words of all branches; those of others are empty."""
        with body.scope.graph.as_default():
            parts = [
                body.words.tensor
                if other == number and body.words
                else nothing_failed(checks)
                for other, checks in enumerate(per_branch)
                if checks
            ]
            tensor = tf.concat(parts, 0) if len(parts) > 1 else parts[0]
            tensor = tf.identity(tensor)
        function = functions.with_words(
            self._functions[name], body.scope, tensor, self._new_name(name)
        )
        return self._add(function, body.scope)

    def _loop(self, op: Any, scope: Scope) -> list[Words]:
        names = {which: op.get_attr(which).name for which in ("cond", "body")}
        # What is carried has the same shape in all rounds.
        shapes = [tensor.shape for tensor in op.inputs]
        graphs = {w: self._function_graph(n, shapes) for w, n in names.items()}
        bodies = {}
        for which, name in names.items():
            places = {t.op.name: n for n, t in enumerate(graphs[which].inputs)}
            loop = Loop(
                places,
                _Ends.of(graphs["body"]),
                _Ends.of(graphs["cond"]),
                tuple(op.inputs),
                is_body=which == "body",
            )
            prefix = f"{scope.prefix}{op.name}"
            bodies[which] = self._function(
                name, op.inputs, scope, prefix, loop, graphs[which]
            )
        condition, body = bodies["cond"].words, bodies["body"].words
        if condition is None and body is None:
            return []
        parts = []
        asked = ""
        if condition is not None:
            function = functions.words_alone(
                self._functions[names["cond"]],
                bodies["cond"].scope,
                condition.tensor,
                self._new_name(names["cond"]),
            )
            asked = self._add(function, bodies["cond"].scope)
            # Its last answer ends the loop, so that no body looks at it.
            parts.append(self._asked(asked, op.outputs, condition))
        checks = (*(condition.checks if condition else ()), *(body.checks if body else ()))
        self._carry(op, scope, names, bodies["body"], asked, condition, checks)
        count = word_count(checks)
        tensor = scope.stand_in(count, op.name, "output", len(op.outputs))
        return [Words(tensor, checks), *parts]

    def _asked(self, name: str, arguments: Sequence[Any], condition: Words) -> Words:
        """The words of a loop's condition."""
        size = word_count(condition.checks)
        (tensor,) = tf.raw_ops.PartitionedCall(
            args=list(arguments), Tout=[tf.int64], f=name
        )
        tensor.set_shape([size])
        return Words(tensor, condition.checks)

    def _carry(
        self,
        op: Any,
        scope: Scope,
        names: Mapping[str, str],
        body: _Body,
        asked: str,
        condition: Words | None,
        checks: tuple[Check, ...],
    ) -> None:
        """Lets a loop carry the words of the first round in which a check failed."""
        inner = body.scope
        count = word_count(checks)
        with inner.graph.as_default(), inner.graph.name_scope("tfnative_words/"):
            parts = []
            if condition is not None:
                parts.append(self._asked(asked, inner.graph.inputs, condition))
            if body.words is not None:
                parts.append(body.words)
            now = joined(parts)
            assert now is not None
            before = inner.placeholder(count, functions.WORDS)
            failed = tf.reduce_any(tf.gather(before, positions(checks)) >= 0)
            after = tf.where(failed, before, now.tensor)
        function = functions.with_words(
            self._functions[names["body"]],
            inner,
            after,
            self._new_name(names["body"]),
            takes=True,
        )
        new_body = self._add(function, inner)
        new_condition = self._add(
            functions.taking_words(
                self._functions[names["cond"]], self._new_name(names["cond"])
            ),
            None,
        )
        with scope.graph.name_scope(f"{op.name}/check/"):
            begin = nothing_failed(checks)
        node = scope.change(op.name)
        data = [name for name in node.input if not name.startswith("^")]
        controls = [name for name in node.input if name.startswith("^")]
        del node.input[:]
        node.input.extend([*data, scope.reference(begin), *controls])
        node.attr["body"].func.name = new_body
        node.attr["cond"].func.name = new_condition
        _add_type(node, "T")
        _add_shape(node)


@dataclass(frozen=True)
class _Ends:
    """Arguments and results of a function's graph."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]

    @classmethod
    def of(cls, graph: Any) -> _Ends:
        return cls(tuple(graph.inputs), tuple(graph.outputs))


def _add_type(node: NodeDef, attribute: str) -> None:
    node.attr[attribute].list.type.append(types_pb2.DT_INT64)


def _add_shape(node: NodeDef) -> None:
    """Says of a further output that its shape is not known, if shapes are said."""
    if node.attr["output_shapes"].list.shape:
        node.attr["output_shapes"].list.shape.add(unknown_rank=True)
