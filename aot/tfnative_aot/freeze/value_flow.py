# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What values are computed from, through functions, branches and loops.

A value is an output of a node, in the graph or in the body of a function. The handle of
a variable that a loop only carries along is one, too: it is not read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from tfnative_aot.load.reach import called, reachable_functions
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

LOOPS = ("StatelessWhile", "While")
_BRANCHES = ("Case", "If", "StatelessCase", "StatelessIf")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


class Place(NamedTuple):
    """A node, in the function of that name, or in the graph: ""."""

    function: str
    node: str


class Value(NamedTuple):
    """An output of a node; of a call, a branch or a loop, which one counts."""

    place: Place
    output: int


class ValueFlow:
    """A graph and its functions."""

    def __init__(self, graph_def: GraphDef) -> None:
        """Notes who calls what."""
        functions = reachable_functions(graph_def, graph_def.node)
        self._functions = {each.signature.name: each for each in functions}
        self.nodes: dict[Place, NodeDef] = {}
        self._callers: defaultdict[str, list[Place]] = defaultdict(list)
        self._arguments: dict[Place, int] = {}
        self._add("", graph_def.node)
        for name, function in self._functions.items():
            self._add(name, function.node_def)
            for number, argument in enumerate(function.signature.input_arg):
                self._arguments[Place(name, argument.name)] = number

    def reached(self, roots: Iterable[Place]) -> set[Place]:
        """The nodes that these are computed from, themselves included."""
        waiting = [value for place in roots for value in self._all_of(place)]
        seen: set[Value] = set()
        while waiting:
            value = waiting.pop()
            if value not in seen:
                seen.add(value)
                waiting.extend(self._sources(value))
        return {value.place for value in seen}

    def given(self, place: Place) -> Iterator[Value]:
        """What an argument of a function may be, wherever that is called."""
        number = self._arguments[place]
        for caller in self._callers[place.function]:
            node = self.nodes[caller]
            data = self._data(caller)
            if node.op in LOOPS:
                yield data[number]
                body = self._functions[node.attr["body"].func.name]
                yield self._result(body, number)
            elif node.op in _BRANCHES:
                yield data[number + 1]
            elif self._calls_one(node):
                yield data[number]
            else:
                yield from data  # Who knows which of them.

    def is_argument(self, place: Place) -> bool:
        """Whether it is an argument of a function, and no node."""
        return place in self._arguments

    def first_input(self, place: Place) -> Value | None:
        """What a node reads first, or None."""
        return next(iter(self._data(place)), None)

    def _add(self, function: str, nodes: Iterable[NodeDef]) -> None:
        for node in nodes:
            place = Place(function, node.name)
            self.nodes[place] = node
            for name in dict.fromkeys(called([node])):
                if name in self._functions:
                    self._callers[name].append(place)

    def _all_of(self, place: Place) -> Iterator[Value]:
        """All outputs of a node, as far as they differ."""
        node = self.nodes.get(place)
        count = 1
        if node is not None and node.op in LOOPS:
            count = len(self._data(place))
        elif node is not None:
            bodies = [
                self._functions[n] for n in called([node]) if n in self._functions
            ]
            count = max((len(b.signature.output_arg) for b in bodies), default=1)
        return (Value(place, number) for number in range(max(count, 1)))

    def _sources(self, value: Value) -> Iterator[Value]:
        place, output = value
        yield from self._decisions(place.function)
        if place in self._arguments:
            yield from self.given(place)
            return
        node = self.nodes.get(place)
        if node is None:
            return
        data = self._data(place)
        bodies = [self._functions[n] for n in called([node]) if n in self._functions]
        if node.op in LOOPS:
            condition = self._functions[node.attr["cond"].func.name]
            body = self._functions[node.attr["body"].func.name]
            yield from (data[output], self._result(body, output))
            yield self._result(condition, 0)
        elif node.op in _BRANCHES:
            yield data[0]
            yield from (self._result(body, output) for body in bodies)
        elif bodies and self._calls_one(node):
            yield self._result(bodies[0], output)
        else:
            yield from data
            for body in bodies:
                count = len(body.signature.output_arg)
                yield from (self._result(body, number) for number in range(count))

    def _decisions(self, function: str) -> Iterator[Value]:
        """What decides whether a function's body runs at all, and how often."""
        for caller in self._callers[function] if function else ():
            yield from self._decisions_of(caller)

    def _decisions_of(self, caller: Place) -> Iterator[Value]:
        node = self.nodes[caller]
        if node.op in LOOPS:
            yield self._result(self._functions[node.attr["cond"].func.name], 0)
        elif node.op in _BRANCHES:
            yield self._data(caller)[0]
        # Not a value, but it leads on to what decides about the caller.
        yield Value(Place(caller.function, ""), 0)

    def _data(self, place: Place) -> list[Value]:
        inputs = [i for i in self.nodes[place].input if not i.startswith("^")]
        return [self._value(place.function, tensor) for tensor in inputs]

    def _value(self, function: str, tensor: str) -> Value:
        place = Place(function, node_of(tensor))
        _, *rest = tensor.split(":")
        number = int(rest[-1]) if rest else 0
        node = self.nodes.get(place)
        if len(rest) == 2 and node is not None and node.op in self._functions:
            names = [a.name for a in self._functions[node.op].signature.output_arg]
            number = names.index(rest[0])  # Called by its name, as if it were an op.
        is_one = node is None or not any(n in self._functions for n in called([node]))
        return Value(place, 0 if is_one else number)

    def _result(self, function: FunctionDef, number: int) -> Value:
        name = function.signature.output_arg[number].name
        return self._value(function.signature.name, function.ret[name])

    def _calls_one(self, node: NodeDef) -> bool:
        return node.op in _CALLS or node.op in self._functions
