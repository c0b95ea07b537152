# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the weights of a graph: constants that are multiplied with, or looked up.

A constant that anything else reads, too, is none: positions, anchors and the first
state of a loop stay as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.value_flow import LOOPS, Place, Value
from tfnative_aot.load.source import node_of
from tfnative_aot.quantize.shape_only import shape_only

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_PASSED_ON = frozenset(
    "Enter Identity PreventGradient RefEnter Snapshot StopGradient".split()
)
_BRANCHES = frozenset({"Case", "If", "StatelessCase", "StatelessIf"})
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
PRODUCTS = ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "MatMul")
BATCHED = frozenset({"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"})
_SUMMED = {
    "Conv2D": (0, 1, 2),
    "Conv2DBackpropInput": (0, 1, 3),
}
"""Dimensions of the weights that one result sums over, by op: height, width, depth."""

Axes = tuple[int | None, ...] | None
"""Which dimension of a constant each one of a value is; None where that is lost."""


@dataclass(frozen=True)
class Weight:
    """A constant that is weights, or a table.

    Attributes:
        node: Its Const, in the graph that was looked through.
        uses: What multiplies with it, or looks something up.
        summed: Its dimensions over which a result sums; for a table, all but the
            first. None if that is not known, or differs between readers.
        is_table: Whether nothing but lookups reads it.
    """

    node: NodeDef
    uses: tuple[Use, ...]
    summed: tuple[int, ...] | None
    is_table: bool


@dataclass(frozen=True)
class Use:
    """A product with weights, or a lookup.

    Attributes:
        reader: The node.
        op: Its op.
        operand: Number of its input that is the weights.
        summed: As in ``Weight``, for this use alone.
        strides: Of a convolution whose channels come last; else empty.
    """

    reader: Place
    op: str
    operand: int
    summed: frozenset[int] | None
    strides: tuple[int, ...] = ()


def is_product(use: Use, shape: Sequence[int]) -> bool:
    """Whether each result sums over all of one row: a convolution of one pixel, too.

    Args:
        use: What multiplies.
        shape: Of the weights.
    """
    if use.op == "Conv2D":
        return use.strides == (1, 1) and tuple(shape[:2]) == (1, 1)
    return use.op in PRODUCTS


class _NotWeightsError(Exception):
    """Something else reads it, too."""


def find_weights(
    graph_def: GraphDef, outputs: Collection[str], fewest: int
) -> Iterator[Weight]:
    """All weights in a graph and its functions.

    Args:
        graph_def: A graph without calls; it may have loops and branches.
        outputs: Names of the nodes that are fetched.
        fewest: Constants with fewer elements are left out.
    """
    uses = _Uses(graph_def, outputs)
    for place, node in uses.constants():
        tensor = node.attr["value"].tensor
        sizes = [dim.size for dim in tensor.tensor_shape.dim]
        if len(sizes) < 2 or np.prod(sizes) < fewest:
            continue
        try:
            found = list(uses.of(Value(place, 0), tuple(range(len(sizes)))))
        except _NotWeightsError:
            continue
        if found:
            summed = {use.summed for use in found}
            (only,) = summed if len(summed) == 1 else (None,)
            yield Weight(
                node,
                tuple(found),
                None if only is None else tuple(sorted(only)),
                all(use.op == "GatherV2" for use in found),
            )


class _Uses:
    """Who reads what, through functions, loops and branches."""

    def __init__(self, graph_def: GraphDef, outputs: Collection[str]) -> None:
        self._functions = {f.signature.name: f for f in graph_def.library.function}
        self._outputs = frozenset(outputs)
        self._shapes = shape_only(graph_def, outputs)
        self._nodes: dict[Place, NodeDef] = {}
        self._readers: defaultdict[Value, list[tuple[Place, int]]] = defaultdict(list)
        self._seen: set[tuple[Value, Axes]] = set()
        self._add("", graph_def.node)
        for name, function in self._functions.items():
            self._add(name, function.node_def)

    def constants(self) -> Iterator[tuple[Place, NodeDef]]:
        """All constants in float32."""
        for place, node in self._nodes.items():
            if node.op == "Const" and node.attr["dtype"].type == tf.float32:
                yield place, node

    def of(self, value: Value, axes: Axes) -> Iterator[Use]:
        """What multiplies with a value.

        Raises:
            _NotWeightsError: Something else reads it, too.
        """
        self._seen = set()
        yield from self._of(value, axes)

    def _add(self, scope: str, nodes: Iterable[NodeDef]) -> None:
        for node in nodes:
            place = Place(scope, node.name)
            self._nodes[place] = node
            for number, source in enumerate(node.input):
                if not source.startswith("^"):
                    self._readers[_value(scope, source)].append((place, number))

    def _of(self, value: Value, axes: Axes, *, returned: int = 0) -> Iterator[Use]:
        """``returned``: how many results of its function it may be."""
        if (value, axes) in self._seen:
            return
        self._seen.add((value, axes))
        scope = value.place.function
        if self._returns(value) > returned:
            raise _NotWeightsError
        for place, number in self._readers[value]:
            yield from self._read(scope, self._nodes[place], number, axes)

    def _returns(self, value: Value) -> int:
        """How many results of the graph, or of its function, a value is."""
        scope = value.place.function
        if not scope:
            return int(value.place.node in self._outputs)
        results = self._functions[scope].ret.values()
        return sum(_value(scope, result) == value for result in results)

    def _read(
        self, scope: str, node: NodeDef, number: int, axes: Axes
    ) -> Iterator[Use]:
        result = Value(Place(scope, node.name), 0)
        if not scope and node.name in self._shapes:
            return
        if node.op in _PASSED_ON:
            yield from self._of(result, axes)
        elif node.op in ("Transpose", "ExpandDims", "Reshape") and number == 0:
            yield from self._of(result, self._moved(scope, node, axes))
        elif node.op in LOOPS:
            yield from self._loop(scope, node, number, axes)
        elif node.op in _BRANCHES and number > 0:
            for branch in node.attr["branches"].list.func or (
                node.attr["then_branch"].func,
                node.attr["else_branch"].func,
            ):
                yield from self._argument(branch.name, number - 1, axes)
        elif node.op in _CALLS:
            yield from self._argument(node.attr["f"].func.name, number, axes)
        else:
            dims = self._summed(scope, node, number, axes)
            if axes is None or dims is None:
                yield Use(result.place, node.op, number, None)
            else:
                chosen = (axes[dim] for dim in dims)
                summed = frozenset(axis for axis in chosen if axis is not None)
                yield Use(result.place, node.op, number, summed, _strides(node))

    def _loop(
        self, scope: str, node: NodeDef, number: int, axes: Axes
    ) -> Iterator[Use]:
        """What a loop only carries along is the same in every round, and behind it."""
        body = self._functions[node.attr["body"].func.name]
        name = body.signature.input_arg[number].name
        result = body.signature.output_arg[number].name
        if node_of(body.ret[result]) != name:
            raise _NotWeightsError
        yield from self._argument(body.signature.name, number, axes, returned=1)
        yield from self._argument(node.attr["cond"].func.name, number, axes)
        yield from self._of(Value(Place(scope, node.name), number), axes)

    def _argument(
        self, function: str, number: int, axes: Axes, returned: int = 0
    ) -> Iterator[Use]:
        name = self._functions[function].signature.input_arg[number].name
        value = Value(Place(function, name), 0)
        yield from self._of(value, axes, returned=returned)

    def _moved(self, scope: str, node: NodeDef, axes: Axes) -> Axes:
        """Where the dimensions of a value are, in another order or among new ones."""
        given = self._nodes.get(Place(scope, node_of(node.input[1])))
        if axes is None or given is None or given.op != "Const":
            return None
        value = tf.make_ndarray(given.attr["value"].tensor)
        if node.op == "Transpose":
            return tuple(axes[dim] for dim in value.ravel())
        if node.op == "ExpandDims":
            at = int(value.ravel()[0]) % (len(axes) + 1)
            return (*axes[:at], None, *axes[at:])
        return None

    def _summed(
        self, scope: str, node: NodeDef, number: int, axes: Axes
    ) -> tuple[int, ...] | None:
        """The dimensions of an operand over which a product sums.

        Raises:
            _NotWeightsError: It is no product, and no lookup.
        """
        if node.op in _SUMMED and number == 1:
            return _SUMMED[node.op]
        if node.op == "MatMul" and number < 2:
            flag = ("transpose_a", "transpose_b")[number]
            return (0,) if node.attr[flag].b == (number == 0) else (1,)
        if node.op in BATCHED and number < 2:
            adjoint = node.attr[("adj_x", "adj_y")[number]].b
            if axes is None:
                return None
            return (len(axes) - (2 if adjoint == (number == 0) else 1),)
        if node.op == "Einsum":
            return _einsum(node.attr["equation"].s.decode(), number)
        if node.op == "GatherV2" and number == 0 and self._is_lookup(scope, node):
            return None if axes is None else tuple(range(1, len(axes)))
        raise _NotWeightsError

    def _is_lookup(self, scope: str, node: NodeDef) -> bool:
        axis = self._nodes.get(Place(scope, node_of(node.input[2])))
        if axis is None or axis.op != "Const" or node.attr["batch_dims"].i:
            return False
        return not tf.make_ndarray(axis.attr["value"].tensor).any()


def _strides(node: NodeDef) -> tuple[int, ...]:
    if node.op != "Conv2D" or node.attr["data_format"].s == b"NCHW":
        return ()
    return tuple(node.attr["strides"].list.i[1:3])


def _einsum(equation: str, number: int) -> tuple[int, ...] | None:
    inputs, _, output = equation.replace(" ", "").partition("->")
    labels = inputs.split(",")[number]
    if "." in labels:
        return None
    return tuple(dim for dim, label in enumerate(labels) if label not in output)


def _value(scope: str, tensor: str) -> Value:
    """An output of a node, or an argument, as a node of the scope reads it."""
    parts = tensor.split(":")
    number = int(parts[-1]) if len(parts) > 1 else 0
    return Value(Place(scope, parts[0]), number)
