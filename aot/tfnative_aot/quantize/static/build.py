# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a graph in which steps are computed in 8 bits, once ranges are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfnative_aot import adapters
from tfnative_aot.freeze.quantized import (
    PREFIX,
    Addend,
    Binary,
    Join,
    PlacedCall,
    Pool,
    Product,
    Quantization,
    QuantizedCall,
    Requantize,
    Unary,
    gives_floats,
    takes_floats,
    words,
)
from tfnative_aot.load.reach import prune
from tfnative_aot.load.source import node_of
from tfnative_aot.quantize.calibrate.observed import Range
from tfnative_aot.quantize.static.clusters import clusters_of
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.patches import Doubles
from tfnative_aot.quantize.static.plan import Step, divided, lies_alike
from tfnative_aot.quantize.static.reference import compute
from tfnative_aot.quantize.static.scales import (
    WholeWeights,
    numbers,
    quantization,
    requantize,
    table,
    whole_weights,
)
from tfnative_aot.quantize.static.smooth import read_by, trailing
from tfnative_aot.xla.quantized import operand_specs

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.graph_pb2 import GraphDef

_INT32, _FLOAT = 3, 1  # Of tensorflow.DataType.


def tensors_with_ranges(view: GraphView, steps: Iterable[Step]) -> Sequence[str]:
    """The tensors whose ranges ``build`` needs."""
    steps = list(steps)
    made = {step.output for step in steps}
    found: dict[str, None] = {}
    for step in steps:
        for given in step.inputs:
            if view.source(given) not in made:
                found[view.source(given)] = None
        if not step.is_exact:
            found.update(dict.fromkeys((step.rounded, step.output)))
    return list(found)


@dataclass(frozen=True)
class QuantizedGraph:
    """A graph, and what its functions of quantized arrays are.

    Attributes:
        graph_def: It.
        calls: By the name of the function.
        layers: The rounded weights of each product, by its node.
    """

    graph_def: GraphDef
    calls: Mapping[str, PlacedCall]
    layers: Mapping[str, WholeWeights]


class CannotBuildError(Exception):
    """No scale holds weights and bias of a product.

    Attributes:
        node: It.
    """

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self.node = node


def build(
    graph_def: GraphDef,
    view: GraphView,
    steps: Sequence[Step],
    ranges: Mapping[str, Range],
    known: Mapping[str, Quantization] | None = None,
) -> QuantizedGraph:
    """Puts functions of quantized arrays in the place of steps.

    Args:
        graph_def: The graph.
        view: Of it.
        steps: Of it, in order.
        ranges: Of all ``tensors_with_ranges``, but for these:
        known: How tensors are rounded whose ranges the model has.
    """
    builder = _Builder(graph_def, view, steps, ranges, known or {})
    for step in steps:
        builder.add(step)
    return builder.finish()


class _Builder:
    def __init__(
        self,
        graph_def: GraphDef,
        view: GraphView,
        steps: Sequence[Step],
        ranges: Mapping[str, Range],
        known: Mapping[str, Quantization],
    ) -> None:
        self._view = view
        self._clusters = clusters_of(view)
        self._graph_def = type(graph_def)()
        self._graph_def.CopyFrom(graph_def)
        self._nodes = {node.name: node for node in self._graph_def.node}
        unknown = {name: own for name, own in ranges.items() if name not in known}
        self._quantizations = {**quantizations_of(view, steps, unknown), **known}
        self._calls: dict[str, PlacedCall] = {}
        self._layers: dict[str, WholeWeights] = {}
        # By source: nodes with its bytes, and elements of a row of each. Where rows do
        # not lie alike, there are several.
        self._arrays: dict[str, list[tuple[str, int]]] = {}

    def finish(self) -> QuantizedGraph:
        """The graph."""
        pruned = prune(self._graph_def, self._view.outputs)
        live = {
            node.attr["f"].func.name
            for node in pruned.node
            if node.op == "PartitionedCall"
        }
        for place in reversed(range(len(pruned.library.function))):
            name = pruned.library.function[place].signature.name
            if name in self._calls and name not in live:
                del pruned.library.function[place]
        calls = {name: call for name, call in self._calls.items() if name in live}
        return QuantizedGraph(pruned, calls, self._layers)

    def add(self, step: Step) -> None:
        """A step."""
        call = self._call(step)
        operands = [
            self._array(given, elements, None if place else step.factors)
            for place, (given, elements) in enumerate(
                zip(step.inputs, call.in_elements, strict=True)
            )
        ]
        place = self._placed(call, step)
        name = self._add_call(f"{step.output}/int8", place, operands)
        if gives_floats(call):
            self._become(step.output, name)
            return
        self._arrays[step.output] = [(name, call.out_elements)]
        own = self._quantizations[step.output]
        floats = Unary("dequantize", call.out_elements, own.scale, requantize(own))
        # Behind it the shape may be another, with fewer rows of more elements.
        placed = replace(place, call=floats, node=step.output)
        self._become(
            step.output, self._add_call(f"{step.output}/floats", placed, [name])
        )

    def _placed(self, call: QuantizedCall, step: Step) -> PlacedCall:
        leading = self._view.leading(step.rows_of)
        assert leading is not None
        return PlacedCall(call, leading, step.node.name, step.node.op)

    def _call(self, step: Step) -> QuantizedCall:
        rules: Mapping[str, Any] = {
            "product": self._product,
            "add": self._binary,
            "multiply": self._binary,
            "max": self._pool,
            "average": self._pool,
            "join": self._join,
            "table": self._table,
        }
        call: QuantizedCall = rules[step.kind](step)
        return call

    def _product(self, step: Step) -> Product:
        assert step.weights is not None
        assert step.bias is not None
        assert step.window is not None
        given = self._quantizations[read_by(self._view, step)]
        try:
            whole = whole_weights(step.weights, step.bias, given.scale)
        except OverflowError as error:
            raise CannotBuildError(step.node.name) from error
        self._layers[step.node.name] = whole
        steps = whole.scales * given.scale
        addend = None
        result = None
        if not step.is_exact:
            rounded = self._quantizations[step.rounded]
            steps = steps / rounded.scale
            result = self._result(step)
            if len(step.inputs) > 1:
                other = self._of(step.inputs[1])
                addend = Addend(other.scale / rounded.scale, other.zero)
        return Product(
            window=step.window,
            weights=whole.weights,
            bias=whole.bias,
            multiplier=np.maximum(steps, 2.0**-126).astype(np.float32),
            groups=step.groups,
            input_zero=given.zero,
            addend=addend,
            result=result,
            low=step.clamp.low,
            high=step.clamp.high,
        )

    def _binary(self, step: Step) -> Binary:
        first, second = (self._of(given) for given in step.inputs)
        elements = [self._view.row_elements(given) for given in step.inputs]
        to = self._quantizations[step.rounded].scale
        scales = (first.scale / to, second.scale / to)
        if step.kind == "multiply":
            scales = (first.scale * second.scale / to, 1.0)
        return Binary(
            "multiply" if step.kind == "multiply" else "add",
            elements[0] or 0,
            elements[1] or 0,
            (first.zero, second.zero),
            scales,
            self._result(step),
        )

    def _pool(self, step: Step) -> Pool:
        assert step.window is not None
        given = self._of(step.inputs[0])
        to = self._quantizations[step.rounded]
        return Pool(
            "max" if step.kind == "max" else "average",
            step.window,
            step.channels[0],
            given.zero,
            given.scale / to.scale,
            self._result(step),
        )

    def _join(self, step: Step) -> Join:
        elements = self._view.row_elements(step.output) or 0
        return Join(elements // sum(step.channels), step.channels)

    def _table(self, step: Step) -> Unary:
        own = self._of(step.inputs[0])
        content = self._function(self._view.source(step.inputs[0]), step.output, own)
        elements = self._view.row_elements(step.rows_of) or 0
        result = Requantize(own.zero, table=content)
        return Unary("table", elements, 1.0, result)

    def _result(self, step: Step) -> Requantize:
        own = self._quantizations[step.rounded]
        plain = requantize(own, step.clamp)
        if step.rounded == step.output:
            return plain
        return replace(plain, table=self._function(step.rounded, step.output, own))

    def _function(self, root: str, name: str, of: Quantization) -> bytes:
        values = self._clusters.values(root, name, numbers(of))
        return table(values, self._quantizations[name])

    def _of(self, given: str) -> Quantization:
        return self._quantizations[self._view.source(given)]

    def _array(self, given: str, elements: int, factors: Doubles | None = None) -> str:
        """The node with the bytes of an input, in rows of so many elements."""
        source = self._view.source(given)
        key = source if factors is None else divided(source)
        known = self._arrays.setdefault(key, [])
        for name, own_elements in known:
            if own_elements == elements:
                return name
            if lies_alike(own_elements, elements):
                row = [-1, words(elements)]
                return self._reshaped(f"{name}/rows", name, row, _INT32)
        name = self._quantized(key, given, elements, factors)
        known.append((name, elements))
        return name

    def _quantized(
        self, key: str, given: str, elements: int, factors: Doubles | None
    ) -> str:
        """Bytes of floats."""
        source = self._view.source(given)
        own = self._quantizations[key]
        result = requantize(own)
        call = Unary("quantize", elements, float(np.float32(1 / own.scale)), result)
        floats = given if factors is None else self._divided(key, given, factors)
        flat = self._reshaped(f"{key}/rows", floats, [-1, elements], _FLOAT)
        leading = self._view.leading(given)
        assert leading is not None
        node = self._view.node(node_of(source))
        placed = PlacedCall(call, leading, node.name, node.op)
        return self._add_call(f"{key}/int8", placed, [flat])

    def _divided(self, name: str, given: str, factors: Doubles) -> str:
        """Floats, with each channel divided by its factor."""
        sizes = trailing(self._view.sizes(given) or (), len(factors))
        assert sizes is not None
        inverse = (1 / factors).astype(np.float32).reshape(sizes)
        constant = self._constant(f"{name}/factors", inverse, _FLOAT)
        node = self._add_node(name, "Mul", [given, constant])
        node.attr["T"].type = _FLOAT
        return str(node.name)

    def _add_call(self, name: str, placed: PlacedCall, operands: Sequence[str]) -> str:
        function = f"{PREFIX}{len(self._calls)}"
        self._calls[function] = placed
        call = placed.call
        kind = _FLOAT if takes_floats(call) else _INT32
        definition = self._graph_def.library.function.add()
        definition.CopyFrom(_definition(call))
        definition.signature.name = function
        node = self._add_node(name, "PartitionedCall", operands)
        node.attr["f"].func.name = function
        node.attr["Tin"].list.type.extend([kind] * len(operands))
        result = _FLOAT if gives_floats(call) else _INT32
        node.attr["Tout"].list.type.append(result)
        return str(node.name)

    def _become(self, output: str, array: str) -> None:
        """Lets a node have the shape that it has, of rows of floats."""
        node = self._nodes[output]
        sizes = self._view.sizes(output)
        assert sizes is not None
        shape = self._sizes(f"{output}/shape", [-1, *sizes[1:]])
        node.op = "Reshape"
        del node.input[:]
        node.input.extend([array, shape])
        node.attr.clear()
        node.attr["T"].type = _FLOAT
        node.attr["Tshape"].type = _INT32

    def _reshaped(self, name: str, given: str, sizes: Sequence[int], kind: int) -> str:
        shape = self._sizes(f"{name}/shape", sizes)
        node = self._add_node(name, "Reshape", [given, shape])
        node.attr["T"].type = kind
        node.attr["Tshape"].type = _INT32
        return str(node.name)

    def _sizes(self, name: str, value: Sequence[int]) -> str:
        return self._constant(name, np.array(value, np.int32), _INT32)

    def _constant(self, name: str, value: npt.NDArray[Any], kind: int) -> str:
        node = self._add_node(name, "Const", [])
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        node.attr["dtype"].type = kind
        return str(node.name)

    def _add_node(self, name: str, op: str, inputs: Sequence[str]) -> Any:
        unique, count = name, 1
        while unique in self._nodes:
            unique, count = f"{name}_{count}", count + 1
        node = self._graph_def.node.add(name=unique, op=op)
        node.input.extend(inputs)
        self._nodes[unique] = node
        return node


def _definition(call: QuantizedCall) -> FunctionDef:
    """What a call computes, as a function of TensorFlow."""
    # Products have arrays, which cannot be looked up.
    return _traced(call) if isinstance(call, Product) else _kept(call)


def _traced(call: QuantizedCall) -> FunctionDef:
    return adapters.tf().function_of(
        lambda *operands: compute(call, operands), operand_specs(call, None)
    )


_kept = lru_cache(maxsize=1024)(_traced)
"""Several graphs of one model, of which the best is taken, differ in little else."""


def quantizations_of(
    view: GraphView, steps: Sequence[Step], ranges: Mapping[str, Range]
) -> Mapping[str, Quantization]:
    """Of each tensor; what pooling passes on, and what is joined, has the same."""
    parents = {name: name for name in ranges}

    def find(name: str) -> str:
        while parents[name] != name:
            name = parents[name]
        return name

    for step in steps:
        if step.kind in ("max", "join") and step.output in ranges:
            for given in step.inputs:
                parents[find(view.source(given))] = find(step.output)
    ends: dict[str, tuple[float, float]] = {}
    for name, found in ranges.items():
        low, high = ends.get(find(name), (0.0, 0.0))
        ends[find(name)] = (min(low, found.low), max(high, found.high))
    return {name: quantization(*ends[find(name)]) for name in ranges}
