# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Quantizes a signature by ranges that its activations had on samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tfnative._compile.options import CalibrationMethod
from tfnative.errors import CompileError
from tfnative.manifest import LayerPrecision
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.progress import Progress
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.doubts import doubts
from tfnative_aot.quantize.calibrate.methods import find_range
from tfnative_aot.quantize.calibrate.observe import observe
from tfnative_aot.quantize.calibrate.observed import Observed, Range
from tfnative_aot.quantize.rounding import signal_to_noise
from tfnative_aot.quantize.small_weights import referring_to
from tfnative_aot.quantize.static.build import tensors_with_ranges
from tfnative_aot.quantize.static.find_steps import find_steps
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.least_error import with_least_error
from tfnative_aot.quantize.static.plan import Step
from tfnative_aot.quantize.static.products import MATRIX_PRODUCTS
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
    graph = prepared.graph
    view = GraphView(graph)
    steps = find_steps(view, kept)
    observed = _observe(graph, tensors_with_ranges(view, steps), data, progress)
    ranges = {name: find_range(each, method) for name, each in observed.items()}
    chosen = with_least_error(graph, view, steps, ranges, data, method)
    made, ranges = chosen.made, dict(chosen.ranges)
    layers = [
        _layer(step, made.layers[step.node.name], ranges[view.source(step.inputs[0])])
        for step in chosen.steps
        if step.kind == "product"
    ]
    quantized = replace(graph, graph_def=made.graph_def, calls=made.calls)
    return referring_to(
        replace(
            prepared,
            graph=quantized,
            layers=(*prepared.layers, *layers),
            exact=prepared.model,
            notes=tuple(doubts(observed.values(), method)),
        ),
        made.graph_def,
    )


def _observe(
    graph: FrozenGraph,
    tensors: Sequence[str],
    data: CalibrationData,
    progress: Progress,
) -> Mapping[str, Observed]:
    places = {tensor.name: tensor.tensor for tensor in graph.inputs}
    names = {f"{name}:0": name for name in tensors}
    observed = observe(graph.graph_def, places, list(names), data, progress)
    return {names[name]: each for name, each in observed.items()}


def _layer(step: Step, whole: WholeWeights, given: Range) -> LayerPrecision:
    assert step.weights is not None
    is_matrix = step.node.op in MATRIX_PRODUCTS
    return LayerPrecision(
        step.node.name,
        step.node.op,
        step.weights.shape[2:] if is_matrix else step.weights.shape,
        "int8",
        signal_to_noise=signal_to_noise(step.weights, whole.as_floats()),
        computed="int8",
        input_range=(given.low, given.high),
    )


def check_whole(prepared: Prepared) -> None:
    """Refuses a signature that is not compiled from its inputs on.

    Raises:
        CompileError: It has a head, whose results samples do not say.
    """
    if prepared.head is not None or prepared.parts is not None:
        raise CompileError(
            f"signature {prepared.graph.signature!r}: TensorFlow or the SDK computes "
            "what its compiled part begins with, and --precision int8 is for models "
            "that are compiled as a whole: take int8-dynamic"
        )
