# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Quantizes a signature by ranges that its activations had on samples."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from tfnative._compile.options import CalibrationMethod
from tfnative.errors import CompileError
from tfnative.manifest import LayerPrecision
from tfnative_aot.load.source import node_of
from tfnative_aot.progress import Progress
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.methods import find_range
from tfnative_aot.quantize.calibrate.observe import observe
from tfnative_aot.quantize.calibrate.observed import Range
from tfnative_aot.quantize.rounding import signal_to_noise
from tfnative_aot.quantize.small_weights import referring_to
from tfnative_aot.quantize.static.build import (
    QuantizedGraph,
    build,
    tensors_with_ranges,
)
from tfnative_aot.quantize.static.find_steps import find_steps
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.plan import Step
from tfnative_aot.quantize.static.scales import WholeWeights
from tfnative_aot.split.divide import Prepared


def with_static_ranges(
    prepared: Prepared,
    data: CalibrationData,
    method: CalibrationMethod,
    progress: Progress,
    kept: Collection[str] = (),
) -> Prepared:
    """The signature with layers in 8 bits, and TensorFlow's answers to it.

    Products that no kernel can compute so are left as they are, as is all of a graph
    with the control flow of TensorFlow 1.

    Args:
        prepared: The signature.
        data: Samples.
        method: How ranges are made of what was seen.
        progress: Is told of each batch.
        kept: Nodes of products that stay as they are.

    Raises:
        CompileError: There were values that are not finite.
    """
    return StaticQuantizer(prepared, data, method, progress).quantized(kept)


class StaticQuantizer:
    """Quantizes a signature in one way or several, and runs samples once for all."""

    def __init__(
        self,
        prepared: Prepared,
        data: CalibrationData,
        method: CalibrationMethod,
        progress: Progress,
    ) -> None:
        self._prepared = prepared
        self._data = data
        self._method = method
        self._progress = progress
        self._view = GraphView(prepared.graph)
        self._ranges: dict[str, Range] = {}
        self.products: tuple[Step, ...] = tuple(
            step for step in find_steps(self._view) if step.kind == "product"
        )
        """All that can be in 8 bits, in the graph's order."""

    def observe(self, ways: Iterable[Collection[str]]) -> None:
        """Finds the ranges that several ways need, while samples run once.

        Args:
            ways: Of each, the nodes of products that stay as they are.

        Raises:
            CompileError: There were values that are not finite.
        """
        needed: dict[str, None] = {}
        for kept in ways:
            steps = find_steps(self._view, kept)
            needed.update(dict.fromkeys(tensors_with_ranges(self._view, steps)))
        self._observe(needed)

    def _observe(self, tensors: Iterable[str]) -> None:
        names = {f"{name}:0": name for name in tensors if name not in self._ranges}
        if not names:
            return
        graph = self._prepared.graph
        places = {tensor.name: tensor.tensor for tensor in graph.inputs}
        observed = observe(
            graph.graph_def, places, list(names), self._data, self._progress
        )
        for full, each in observed.items():
            self._ranges[names[full]] = find_range(each, self._method)

    def graph(self, kept: Collection[str] = ()) -> QuantizedGraph:
        """The graph with all but some products in 8 bits.

        Raises:
            CompileError: As ``observe``.
        """
        return self._build(find_steps(self._view, kept))

    def _build(self, steps: Sequence[Step]) -> QuantizedGraph:
        self._observe(tensors_with_ranges(self._view, steps))
        return build(self._prepared.graph.graph_def, self._view, steps, self._ranges)

    def quantized(
        self, kept: Collection[str] = (), reasons: Mapping[str, str] | None = None
    ) -> Prepared:
        """The signature with all but some products in 8 bits.

        Args:
            kept: Nodes of products that stay as they are.
            reasons: Why they do; those without a reason are not listed.

        Raises:
            CompileError: As ``observe``.
        """
        steps = find_steps(self._view, kept)
        made = self._build(steps)
        own = {step.node.name: step for step in steps if step.kind == "product"}
        layers = []
        for product in self.products:
            name = product.node.name
            if name in own:
                given = self._ranges[self._view.source(own[name].inputs[0])]
                layers.append(_layer(own[name], made.layers[name], given))
            elif reasons and name in reasons:
                layers.append(_kept_layer(product, reasons[name]))
        prepared = self._prepared
        graph = replace(prepared.graph, graph_def=made.graph_def, calls=made.calls)
        done = replace(
            prepared,
            graph=graph,
            layers=(*prepared.layers, *layers),
            exact=prepared.model,
        )
        return referring_to(done, made.graph_def)

    def operations(self) -> Mapping[str, int]:
        """Of each product, for a row: a multiplication and an addition are two."""
        found = {}
        for step in self.products:
            assert step.weights is not None
            assert step.window is not None
            results = math.prod(step.window.out_size) * step.weights.shape[3]
            rows = self._view.leading(step.node.name) or 1
            each = 2 * math.prod(step.weights.shape[:3])
            found[step.node.name] = rows * results * each
        return found

    def rounds_what_is_computed(self, kept: Collection[str] = ()) -> bool:
        """Whether something is made bytes that is computed in floats before.

        XLA's result differs from TensorFlow's in the last bits there, and so may the
        byte that a number between two steps becomes.
        """
        steps = find_steps(self._view, kept)
        given = {tensor.tensor for tensor in self._prepared.graph.inputs}
        known = {step.output for step in steps} | set(map(node_of, given))
        sources = {self._view.source(each) for step in steps for each in step.inputs}
        return not sources <= known


def _layer(step: Step, whole: WholeWeights, given: Range) -> LayerPrecision:
    assert step.weights is not None
    return LayerPrecision(
        step.node.name,
        step.node.op,
        step.weights.shape,
        "int8",
        signal_to_noise=signal_to_noise(step.weights, whole.as_floats()),
        computed="int8",
        input_range=(given.low, given.high),
    )


def _kept_layer(step: Step, reason: str) -> LayerPrecision:
    assert step.weights is not None
    return LayerPrecision(
        step.node.name, step.node.op, step.weights.shape, "float32", reason=reason
    )


def check_whole(prepared: Prepared, precision: str = "int8") -> None:
    """Refuses a signature that is not compiled from its inputs on.

    Raises:
        CompileError: It has a head, whose results samples do not say.
    """
    if prepared.head is not None or prepared.parts is not None:
        raise CompileError(
            f"signature {prepared.graph.signature!r}: TensorFlow or the SDK computes "
            f"what its compiled part begins with, and --precision {precision} is for "
            "models that are compiled as a whole: take int8-dynamic"
        )
