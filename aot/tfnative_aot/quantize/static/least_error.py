# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a graph in 8 bits more exact, and tries on samples that it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfnative._compile.options import CalibrationMethod
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.progress import Silent
from tfnative_aot.quantize.calibrate.collect import Array, Run, collect
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.methods import find_range
from tfnative_aot.quantize.calibrate.observe import session_run
from tfnative_aot.quantize.calibrate.observed import Range
from tfnative_aot.quantize.static.build import (
    QuantizedGraph,
    build,
    quantizations_of,
)
from tfnative_aot.quantize.static.channels import channel_sizes, divided_run
from tfnative_aot.quantize.static.correct_bias import with_corrected_biases
from tfnative_aot.quantize.static.equalize import equalize, find_pairs
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.plan import Step

_TRIED = 32
_AT_ONCE = 8


@dataclass(frozen=True)
class Choice:
    """A graph in 8 bits, and what it was made of.

    Attributes:
        steps: With the weights and biases that were rounded.
        ranges: Of tensors, as steps give them.
        made: The graph.
    """

    steps: Sequence[Step]
    ranges: Mapping[str, Range]
    made: QuantizedGraph


def with_least_error(
    graph: FrozenGraph,
    view: GraphView,
    steps: Sequence[Step],
    ranges: Mapping[str, Range],
    data: CalibrationData,
    method: CalibrationMethod,
) -> Choice:
    """The graph in 8 bits whose outputs are nearest to those of floats.

    It is made as steps and ranges say, with corrected biases, and with equalized
    channels and corrected biases. A tenth of the samples, which these are not found of,
    says which of them is the best, if there are enough; else all of them do.

    Args:
        graph: In floats.
        view: Of it.
        steps: Of it.
        ranges: Of all ``tensors_with_ranges``.
        data: Samples.
        method: How ranges are made of what was seen.
    """
    found, apart = data.held_out()
    tried = apart or found
    tried = replace(tried, samples=tried.samples[:_TRIED])
    run = _run(graph, graph)
    tensors = [t.tensor for t in graph.outputs if t.dtype.startswith("float")]
    exact = [run(chunk, tensors) for chunk in tried.chunks(_AT_ONCE)]
    best, least = None, np.inf
    for own_steps, own_ranges in _candidates(
        view, steps, ranges, run, data, found, method
    ):
        made = build(graph.graph_def, view, own_steps, own_ranges)
        own_run = _run(graph, replace(graph, graph_def=made.graph_def))
        answers = [own_run(chunk, tensors) for chunk in tried.chunks(_AT_ONCE)]
        error = _error(exact, answers)
        if best is None or error < least:
            best, least = Choice(own_steps, own_ranges, made), error
    assert best is not None
    return best


def _candidates(
    view: GraphView,
    steps: Sequence[Step],
    ranges: Mapping[str, Range],
    run: Run,
    data: CalibrationData,
    found: CalibrationData,
    method: CalibrationMethod,
) -> Iterator[tuple[Sequence[Step], Mapping[str, Range]]]:
    """Steps and ranges that can be made a graph of, the plain ones first."""
    yield steps, ranges
    of = quantizations_of(view, steps, ranges)
    corrected = with_corrected_biases(view, steps, of, run, found)
    if any(a is not b for a, b in zip(steps, corrected, strict=True)):
        yield corrected, ranges
    channels = {
        pair.first.output: pair.first.weights.shape[3]
        for pair in find_pairs(view, steps)
        if pair.first.weights is not None
    }
    equalized = equalize(view, steps, channel_sizes(run, channels, found))
    if not equalized.factors:
        return
    run = divided_run(run, equalized.factors)
    names = [f"{name}:0" for name in equalized.factors]
    observed = collect(run, names, data, Silent())
    new = {n.removesuffix(":0"): find_range(o, method) for n, o in observed.items()}
    ranges = {**ranges, **new}
    of = quantizations_of(view, equalized.steps, ranges)
    yield with_corrected_biases(view, equalized.steps, of, run, found), ranges


def _run(graph: FrozenGraph, asked: FrozenGraph) -> Run:
    places = {tensor.name: tensor.tensor for tensor in graph.inputs}
    return session_run(asked.graph_def, places)


def _error(exact: Sequence[Sequence[Array]], found: Sequence[Sequence[Array]]) -> float:
    """The noise of each output in parts of its signal, added up.

    What is not finite in floats does not count. NaN is more than any number.
    """
    noise = signal = np.zeros(len(exact[0]))
    for right, given in zip(exact, found, strict=True):
        counted = [np.isfinite(array) for array in right]
        signals = [a[where] for a, where in zip(right, counted, strict=True)]
        answers = [b[where] for b, where in zip(given, counted, strict=True)]
        noise = noise + [_squares(b - a) for a, b in zip(signals, answers, strict=True)]
        signal = signal + [_squares(a) for a in signals]
    error = float((noise / np.maximum(signal, np.finfo(np.float64).tiny)).sum())
    return np.inf if np.isnan(error) else error


def _squares(values: Array) -> float:
    return float(np.square(values, dtype=np.float64).sum())
