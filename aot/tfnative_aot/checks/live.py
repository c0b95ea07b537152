# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which results of loops, branches and calls something depends on.

TensorFlow runs a loop without the variables that no result needs, and a branch without
the results that nobody reads. So nothing that only they need is checked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

Results = frozenset[int]
"""Places of results of a node or a function."""

_LOOPS = ("While", "StatelessWhile")
_IFS = ("If", "StatelessIf")
_CASES = ("Case", "StatelessCase")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_CALLING = (*_LOOPS, *_IFS, *_CASES, *_CALLS)
# What a node that runs for its effect computes beside it, nobody waits for. But all
# that a loop carries is waited for by whatever comes after the loop.
_ONLY_EFFECTS = ("If", "Case")


class Live:
    """Follows what is needed through the functions of a graph."""

    def __init__(self, functions: Mapping[str, FunctionDef]) -> None:
        self._functions = functions
        self._known: dict[tuple[str, Results], Results] = {}

    def run(self, nodes: Iterable[NodeDef], roots: Iterable[str]) -> dict[str, Results]:
        """The nodes that run, with those of their results that are needed.

        Args:
            nodes: Those of a graph, or of a function's body.
            roots: Tensors as nodes write their inputs.
        """
        by_name = {node.name: node for node in nodes}
        return {
            name: results
            for name, results in self._reached(by_name, roots).items()
            if name in by_name
        }

    def run_in(self, function: FunctionDef, results: Results) -> dict[str, Results]:
        """The nodes of a function's body that run for some of its results."""
        return self.run(function.node_def, _roots(function, results))

    def carried(self, node: NodeDef, results: Results) -> Results:
        """What a loop carries that some of its results, or its end, depend on."""
        if node.op == "While":  # It has effects, and all of it is waited for.
            return frozenset(range(_count(node)))
        condition, body = node.attr["cond"].func.name, node.attr["body"].func.name
        live = results | self._arguments(condition, frozenset({0}))
        while more := self._arguments(body, live) - live:
            live |= more
        return live

    def _reached(
        self, by_name: Mapping[str, NodeDef], roots: Iterable[str]
    ) -> dict[str, Results]:
        """The nodes and arguments that roots need."""
        reached: dict[str, Results] = {}
        waiting = list(roots)
        while waiting:
            source = waiting.pop()
            name = node_of(source)
            before = reached.get(name)
            node = by_name.get(name)
            results = frozenset({0}) if node is None else self._asked(node, source)
            if before is not None and results <= before:
                continue
            reached[name] = results | (before or frozenset())
            if node is not None:
                waiting.extend(self._inputs(node, reached[name]))
        return reached

    def _asked(self, node: NodeDef, source: str) -> Results:
        """The results that ``source`` stands for; the first of what is no call."""
        if node.op in self._functions:
            return frozenset(range(len(self._functions[node.op].signature.output_arg)))
        if node.op not in _CALLING:
            return frozenset({0})
        if source.startswith("^"):
            none = node.op in _ONLY_EFFECTS
            return frozenset() if none else frozenset(range(_count(node)))
        last = source.rpartition(":")[2]
        return frozenset({int(last) if last.isdigit() else 0})

    def _inputs(self, node: NodeDef, results: Results) -> Iterator[str]:
        """The inputs that some results of a node need."""
        needed = self._needed(node, results)
        place = 0
        for name in node.input:
            if name.startswith("^"):
                yield name
                continue
            if needed is None or place in needed:
                yield name
            place += 1

    def _needed(self, node: NodeDef, results: Results) -> Results | None:
        """Places of the inputs that some results need; None for all."""
        if node.op not in _CALLING:
            return None
        if node.op in _LOOPS:
            return self.carried(node, results)
        if node.op in _CALLS:
            return self._arguments(node.attr["f"].func.name, results)
        if node.op in _IFS:
            which = ("then_branch", "else_branch")
            branches = [node.attr[each].func.name for each in which]
        else:
            branches = [each.name for each in node.attr["branches"].list.func]
        inside = [self._arguments(name, results) for name in branches]
        return frozenset({0, *(1 + place for some in inside for place in some)})

    def _arguments(self, name: str, results: Results) -> Results:
        """Places of the arguments that some results of a function need."""
        key = name, results
        if key not in self._known:
            function = self._functions[name]
            nodes = {node.name: node for node in function.node_def}
            reached = self._reached(nodes, _roots(function, results))
            self._known[key] = frozenset(
                place
                for place, argument in enumerate(function.signature.input_arg)
                if argument.name in reached
            )
        return self._known[key]


def _roots(function: FunctionDef, results: Collection[int]) -> list[str]:
    outputs = function.signature.output_arg
    data = [function.ret[outputs[place].name] for place in sorted(results)]
    return [*data, *(f"^{name}" for name in function.control_ret.values())]


def _count(node: NodeDef) -> int:
    return len(node.attr["T" if node.op in _LOOPS else "Tout"].list.type)
