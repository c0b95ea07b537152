# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A graph as it is drawn: without calls, and with the names that people gave.

This looks at messages only and loads no model, so that models can be drawn that nothing
can run or compile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfnative_aot.draw.shown import Ref

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.graph_pb2 import GraphDef

_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_MOST_DEPTH = 50
"""Functions that call themselves are not followed further."""


@dataclass(frozen=True)
class FlatNode:
    """A node of the graph without calls.

    Attributes:
        id: Unique: the calls that it is in, and its name.
        name: Its name in the graph or function that it stands in.
        op: As "Conv2D".
        inputs: What it reads.
        attributes: Of the message.
    """

    id: str
    name: str
    op: str
    inputs: tuple[Ref, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class FlatGraph:
    """Nodes by id, each after its function's arguments, and the outputs that count."""

    nodes: Mapping[str, FlatNode]
    outputs: Mapping[str, Ref]


def inline(graph: GraphDef, outputs: Mapping[str, str]) -> FlatGraph:
    """Follows calls.

    Args:
        graph: With its library.
        outputs: Tensors by name, as "StatefulPartitionedCall:0".
    """
    found = _Inliner(graph.library.function)
    scope = found.add("", graph.node, {}, 0)
    refs = {name: scope.resolve(tensor) for name, tensor in outputs.items()}
    return FlatGraph(found.nodes, {n: ref for n, ref in refs.items() if ref})


class _Scope:
    """The nodes of a graph or a function: what their tensors are."""

    def __init__(self, arguments: Mapping[str, Ref | None]) -> None:
        self._arguments = arguments
        self._ids: dict[str, str] = {}
        self._calls: dict[str, tuple[tuple[str, ...], tuple[Ref | None, ...]]] = {}

    def put(self, name: str, key: str) -> None:
        self._ids[name] = key

    def put_call(
        self, name: str, names: tuple[str, ...], results: tuple[Ref | None, ...]
    ) -> None:
        self._calls[name] = (names, results)

    def resolve(self, tensor: str) -> Ref | None:
        """The output that a tensor is, or None if that is nowhere."""
        name, *rest = tensor.split(":")
        index = int(rest[-1]) if rest and rest[-1].isdigit() else 0
        if name in self._calls:
            names, results = self._calls[name]
            if len(rest) == 2 and rest[0] in names:  # A call by the function's name.
                index += names.index(rest[0])
            return results[index] if index < len(results) else None
        if name in self._ids:
            return Ref(self._ids[name], index)
        return self._arguments.get(name)


class _Inliner:
    def __init__(self, functions: Iterable[FunctionDef]) -> None:
        self._functions = {each.signature.name: each for each in functions}
        self.nodes: dict[str, FlatNode] = {}

    def add(
        self,
        path: str,
        nodes: Sequence[Any],
        arguments: Mapping[str, Ref | None],
        depth: int,
    ) -> _Scope:
        """Adds the nodes of a graph or function whose arguments are these tensors."""
        scope = _Scope(arguments)
        for node in nodes:
            if self._called(node, depth) is None:
                scope.put(node.name, path + node.name)
        # Calls need what they are given, which calls before them give.
        waiting = [node for node in nodes if self._called(node, depth) is not None]
        names = {node.name for node in waiting}
        while waiting:
            ready = [n for n in waiting if not self._needs(n) & names]
            for node in ready or waiting[:1]:
                self._call(path, node, scope, depth)
                names.discard(node.name)
                waiting.remove(node)
        for node in nodes:
            if self._called(node, depth) is None:
                self._put(path, node, scope)
        return scope

    def _put(self, path: str, node: Any, scope: _Scope) -> None:
        refs = (scope.resolve(t) for t in node.input if not t.startswith("^"))
        self.nodes[path + node.name] = FlatNode(
            id=path + node.name,
            name=node.name,
            op=node.op,
            inputs=tuple(ref for ref in refs if ref is not None),
            attributes=node.attr,
        )

    def _call(self, path: str, node: Any, scope: _Scope, depth: int) -> None:
        function = self._called(node, depth)
        assert function is not None
        given = [scope.resolve(t) for t in node.input if not t.startswith("^")]
        named = [each.name for each in function.signature.input_arg]
        inner = self.add(
            f"{path}{node.name}/",
            function.node_def,
            dict(zip(named, given, strict=False)),
            depth + 1,
        )
        names = tuple(each.name for each in function.signature.output_arg)
        results = tuple(inner.resolve(function.ret[name]) for name in names)
        scope.put_call(node.name, names, results)

    def _called(self, node: Any, depth: int) -> FunctionDef | None:
        if depth > _MOST_DEPTH:
            return None
        name = node.attr["f"].func.name if node.op in _CALLS else node.op
        return self._functions.get(name)

    @staticmethod
    def _needs(node: Any) -> set[str]:
        return {tensor.lstrip("^").split(":")[0] for tensor in node.input}
