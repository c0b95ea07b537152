# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Quantizes a signature by ranges that its activations had on samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tfnative._compile.options import CalibrationMethod
from tfnative.errors import CompileError, InvalidArgumentError
from tfnative.manifest import LayerPrecision
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.progress import Progress
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.methods import find_range
from tfnative_aot.quantize.calibrate.observe import observe
from tfnative_aot.quantize.calibrate.observed import Range
from tfnative_aot.quantize.rounding import signal_to_noise
from tfnative_aot.quantize.small_weights import referring_to
from tfnative_aot.quantize.static.build import build, tensors_with_ranges
from tfnative_aot.quantize.static.clusters import Clusters
from tfnative_aot.quantize.static.find_steps import find_steps
from tfnative_aot.quantize.static.finer import finer_layers
from tfnative_aot.quantize.static.fixed import known_quantizations, range_of
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.plan import Step
from tfnative_aot.quantize.static.scales import WholeWeights
from tfnative_aot.split.divide import Prepared

_NAMED = 3


def with_static_ranges(
    prepared: Prepared,
    data: CalibrationData | None,
    method: CalibrationMethod,
    progress: Progress,
    kept: Collection[str] = (),
) -> Prepared:
    """The signature with layers in 8 bits, and TensorFlow's answers to it.

    Products that no kernel can compute so are left as they are, as is all of a graph
    with the control flow of TensorFlow 1.

    Args:
        prepared: The signature.
        data: Samples, or None if the model is to have all ranges itself.
        method: How ranges are made of what was seen.
        progress: Is told of each batch.
        kept: Nodes of products that stay as they are.

    Raises:
        CompileError: There were values that are not finite.
        InvalidArgumentError: There are no samples, and the model lacks ranges.
    """
    graph = prepared.graph
    view = GraphView(graph)
    finer = finer_layers(view)
    steps = find_steps(view, {*kept, *finer})
    known = known_quantizations(view, Clusters(view), steps, guess=data is None)
    unknown = [name for name in tensors_with_ranges(view, steps) if name not in known]
    if unknown and data is None:
        raise _no_ranges(unknown)
    ranges = {name: range_of(own) for name, own in known.items()}
    if data is not None and unknown:
        ranges |= _ranges(graph, unknown, data, method, progress)
    made = build(graph.graph_def, view, steps, ranges, known)
    layers = [
        _layer(step, made.layers[step.node.name], ranges[view.source(step.inputs[0])])
        for step in steps
        if step.kind == "product"
    ]
    layers += [layer for name, layer in finer.items() if name not in kept]
    quantized = replace(graph, graph_def=made.graph_def, calls=made.calls)
    return referring_to(
        replace(
            prepared,
            graph=quantized,
            layers=(*prepared.layers, *layers),
            exact=prepared.model,
        ),
        made.graph_def,
    )


def _ranges(
    graph: FrozenGraph,
    tensors: Sequence[str],
    data: CalibrationData,
    method: CalibrationMethod,
    progress: Progress,
) -> Mapping[str, Range]:
    places = {tensor.name: tensor.tensor for tensor in graph.inputs}
    names = {f"{name}:0": name for name in tensors}
    observed = observe(graph.graph_def, places, list(names), data, progress)
    return {names[n]: find_range(each, method) for n, each in observed.items()}


def _no_ranges(tensors: Sequence[str]) -> InvalidArgumentError:
    named = ", ".join(tensors[:_NAMED]) + (", ..." if len(tensors) > _NAMED else "")
    return InvalidArgumentError(
        "--precision int8 needs samples of what the model will be given: pass some "
        f"with --calibration. The model itself has no ranges of {named}"
    )


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
