# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which inputs the value of a tensor depends on.

What depends on the shape of a tensor alone is known once there is a batch size, and so
does not count. Looks into the bodies of loops and branches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfnative_aot.load.reach import called
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_OF_SHAPES = frozenset({"Rank", "Shape", "ShapeN", "Size"})
_LOOPS = frozenset({"While", "StatelessWhile"})
_BRANCHES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})


@dataclass(frozen=True)
class Origins:
    """What a tensor's value depends on.

    Attributes:
        placeholders: Names of the Placeholders.
        changes: Whether it, or what it is computed from, is another one in each round
            of a loop.
    """

    placeholders: frozenset[str]
    changes: bool = False


@dataclass(frozen=True)
class _Tensor:
    function: str  # Which has it, or "" for the graph.
    name: str


def find_node(
    graph_def: GraphDef, name: str, op: str = ""
) -> tuple[str, NodeDef] | None:
    """A node by its name, with the name of the function that it is in, or "".

    The name may be that before inlining, if there is one such node only.
    """
    for node in graph_def.node:
        if node.name == name:
            return "", node
    for function in graph_def.library.function:
        for node in function.node_def:
            if node.name == name and op in ("", node.op):
                return function.signature.name, node
    inlined = [node for node in graph_def.node if node.name.endswith(f"/{name}")]
    return ("", inlined[0]) if len(inlined) == 1 else None


class OriginFinder:
    """Finds what tensors of a graph, and of its functions, depend on.

    To go through the graph takes longer than to find one of them: there is one finder
    for all that is asked of a graph, which must not change.
    """

    def __init__(self, graph_def: GraphDef) -> None:
        """Goes through the graph once."""
        self._nodes = {"": {node.name: node for node in graph_def.node}}
        self._functions: dict[str, FunctionDef] = {}
        self._callers: dict[str, list[tuple[str, NodeDef]]] = {}
        for function in graph_def.library.function:
            name = function.signature.name
            self._functions[name] = function
            self._nodes[name] = {node.name: node for node in function.node_def}
        for scope, nodes in self._nodes.items():
            for node in nodes.values():
                for name in called([node]):
                    self._callers.setdefault(name, []).append((scope, node))

    def find(self, function: str, tensor: str) -> Origins:
        """What a tensor of the graph (""), or of one of its functions, depends on."""
        search = _Search(self._nodes, self._functions, self._callers)
        return search.find(_Tensor(function, tensor))


class _Search:
    """What one tensor depends on."""

    def __init__(
        self,
        nodes: Mapping[str, Mapping[str, NodeDef]],
        functions: Mapping[str, FunctionDef],
        callers: Mapping[str, Sequence[tuple[str, NodeDef]]],
    ) -> None:
        self._nodes = nodes
        self._functions = functions
        self._callers = callers
        self._placeholders: set[str] = set()
        self._changes = False

    def find(self, tensor: _Tensor) -> Origins:
        waiting, seen = [tensor], set()
        while waiting:
            now = waiting.pop()
            if now not in seen:
                seen.add(now)
                waiting.extend(self._before(now))
        return Origins(frozenset(self._placeholders), self._changes)

    def _before(self, tensor: _Tensor) -> Iterator[_Tensor]:
        node = self._nodes[tensor.function].get(node_of(tensor.name))
        if node is None:
            yield from self._arguments(tensor)
        elif node.op == "Placeholder":
            self._placeholders.add(node.name)
        elif node.op in _LOOPS or node.op in _BRANCHES:
            yield from self._results(tensor, node)
        elif node.op not in _OF_SHAPES:
            for name in node.input:
                if not name.startswith("^"):
                    yield _Tensor(tensor.function, name)

    def _results(self, tensor: _Tensor, node: NodeDef) -> Iterator[_Tensor]:
        """What one of the results of a loop or of branches comes from."""
        _, _, index = tensor.name.rpartition(":")
        place = int(index) if index.isdigit() else 0
        first = node.input[place if node.op in _LOOPS else 0]
        yield _Tensor(tensor.function, first)
        for name in self._functions.keys() & set(called([node])):
            function = self._functions[name]
            results = [arg.name for arg in function.signature.output_arg]
            # Whether a loop goes on is the only result of its condition.
            chosen = results[place] if place < len(results) else results[0]
            if node.op in _LOOPS and name == node.attr["cond"].func.name:
                chosen = results[0]
            yield _Tensor(name, function.ret[chosen])

    def _arguments(self, tensor: _Tensor) -> Iterator[_Tensor]:
        """What callers pass as one of a function's arguments."""
        function = self._functions.get(tensor.function)
        names = [a.name for a in function.signature.input_arg] if function else []
        if node_of(tensor.name) not in names:
            return
        place = names.index(node_of(tensor.name))
        for scope, caller in self._callers.get(tensor.function, []):
            yield _Tensor(scope, caller.input[place + (caller.op in _BRANCHES)])
            if caller.op in _LOOPS:
                body = self._functions[caller.attr["body"].func.name]
                argument = body.signature.input_arg[place].name
                result = body.ret[body.signature.output_arg[place].name]
                if not self._passes(body, argument, result):
                    self._changes = True
                    yield _Tensor(body.signature.name, result)

    def _passes(self, body: FunctionDef, argument: str, result: str) -> bool:
        """Whether a loop leaves one of its variables as it was."""
        nodes = self._nodes[body.signature.name]
        while (node := nodes.get(node_of(result))) is not None:
            if node.op != "Identity":
                return False
            result = node.input[0]
        return node_of(result) == argument
