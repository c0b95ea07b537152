# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a graph in 8 bits more exact, and tries on samples that it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    CannotBuildError,
    QuantizedGraph,
    build,
    quantizations_of,
)
from tfnative_aot.quantize.static.channels import channel_sizes, divided_run
from tfnative_aot.quantize.static.correct_bias import with_corrected_biases
from tfnative_aot.quantize.static.equalize import equalize, find_pairs
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.patches import Doubles
from tfnative_aot.quantize.static.plan import Step, divided
from tfnative_aot.quantize.static.smooth import channels_of, find_readers, smooth

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

    It is made as steps and ranges say, and with corrected biases. Then the channels of
    what floats are before products are made alike in size, and then those of what lies
    between two products, each with corrected biases, and kept if that is better. A
    tenth of the samples, which these are not found of, says which of them is the best,
    if there are enough; else all of them do.

    Args:
        graph: In floats.
        view: Of it.
        steps: Of it.
        ranges: Of all ``tensors_with_ranges``.
        data: Samples.
        method: How ranges are made of what was seen.
    """
    trials = _Trials(graph, view, data, method)
    trials.take(steps, ranges)
    trials.correct(steps, ranges, {})
    smoothed = trials.smoothed(steps, ranges)
    if smoothed is not None and trials.correct(*smoothed):
        steps, ranges, factors = smoothed
    else:
        factors = {}
    equalized = trials.equalized(steps, ranges, factors)
    if equalized is not None:
        trials.correct(*equalized)
    assert trials.best is not None
    return trials.best


_Way = tuple[Sequence[Step], Mapping[str, Range], Mapping[str, Doubles]]
"""Steps and ranges that can be made a graph of, and what tensors are divided by."""


class _Trials:
    """Tries graphs, and keeps the one with the least error.

    Attributes:
        best: It.
    """

    def __init__(
        self,
        graph: FrozenGraph,
        view: GraphView,
        data: CalibrationData,
        method: CalibrationMethod,
    ) -> None:
        self._graph = graph
        self._view = view
        self._data = data
        self._method: CalibrationMethod = method
        self._found, apart = data.held_out()
        tried = apart or self._found
        self._tried = replace(tried, samples=tried.samples[:_TRIED])
        self._run = _run(graph, graph)
        outputs = graph.outputs
        self._tensors = [t.tensor for t in outputs if t.dtype.startswith("float")]
        self._exact = self._answers(self._run)
        self._least = np.inf
        self.best: Choice | None = None

    def _answers(self, run: Run) -> list[Sequence[Array]]:
        return [run(c, self._tensors) for c in self._tried.chunks(_AT_ONCE)]

    def take(self, steps: Sequence[Step], ranges: Mapping[str, Range]) -> bool:
        """Keeps what comes of steps and ranges, if it is the best."""
        graph = self._graph
        made = build(graph.graph_def, self._view, steps, ranges)
        answers = self._answers(_run(graph, replace(graph, graph_def=made.graph_def)))
        error = _error(self._exact, answers)
        is_best = self.best is None or error < self._least
        if is_best:
            self.best, self._least = Choice(steps, ranges, made), error
        return is_best

    def correct(
        self,
        steps: Sequence[Step],
        ranges: Mapping[str, Range],
        factors: Mapping[str, Doubles],
    ) -> bool:
        """Tries steps with corrected biases; whether they are the best."""
        of = quantizations_of(self._view, steps, ranges)
        run = divided_run(self._run, factors)
        corrected = with_corrected_biases(self._view, steps, of, run, self._found)
        if not factors and all(a is b for a, b in zip(steps, corrected, strict=True)):
            return False  # It was tried already.
        try:
            return self.take(corrected, ranges)
        except CannotBuildError:
            return False  # Factors have made weights or biases too large for a scale.

    def smoothed(
        self, steps: Sequence[Step], ranges: Mapping[str, Range]
    ) -> _Way | None:
        """With what floats are before products divided, if that is worth it."""
        readers = find_readers(self._view, steps)
        channels = {name: channels_of(own[0]) for name, own in readers.items()}
        sizes = channel_sizes(self._run, channels, self._found)
        made = smooth(self._view, steps, sizes)
        if not made.factors:
            return None
        new = self._ranges_of(made.factors, made.factors)
        new = {divided(name): found for name, found in new.items()}
        return made.steps, {**ranges, **new}, made.factors

    def equalized(
        self,
        steps: Sequence[Step],
        ranges: Mapping[str, Range],
        factors: Mapping[str, Doubles],
    ) -> _Way | None:
        """With what lies between two products divided, if that is worth it."""
        channels = {
            pair.first.output: pair.first.weights.shape[3]
            for pair in find_pairs(self._view, steps)
            if pair.first.weights is not None
        }
        sizes = channel_sizes(self._run, channels, self._found)
        made = equalize(self._view, steps, sizes)
        if not made.factors:
            return None
        factors = {**factors, **made.factors}
        new = self._ranges_of(made.factors, factors)
        return made.steps, {**ranges, **new}, factors

    def _ranges_of(
        self, tensors: Iterable[str], factors: Mapping[str, Doubles]
    ) -> Mapping[str, Range]:
        run = divided_run(self._run, factors)
        names = [f"{name}:0" for name in tensors]
        observed = collect(run, names, self._data, Silent())
        return {
            name.removesuffix(":0"): find_range(each, self._method)
            for name, each in observed.items()
        }


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
