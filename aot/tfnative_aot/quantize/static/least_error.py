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
from tfnative_aot.quantize.static.channels import (
    ChannelSizes,
    channel_sizes,
    divided_run,
)
from tfnative_aot.quantize.static.correct_bias import (
    KnownMeans,
    with_corrected_biases,
)
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
    floats: InFloats, steps: Sequence[Step], ranges: Mapping[str, Range]
) -> Choice:
    """The graph in 8 bits whose outputs are nearest to those of floats.

    It is made as steps and ranges say, and with corrected biases. Then the channels of
    what floats are before products are made alike in size, and then those of what lies
    between two products, each with corrected biases, and kept if that is better. A
    tenth of the samples, which these are not found of, says which of them is the best,
    if there are enough; else all of them do.

    Args:
        floats: The model in floats.
        steps: Of it.
        ranges: Of all ``tensors_with_ranges``.
    """
    trials = _Trials(floats)
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


class InFloats:
    """A model in floats, and what samples give there, for all graphs made of it.

    Attributes:
        graph: The model.
        view: Of it.
        data: Samples.
        method: How ranges are made of what was seen.
        found: The samples that graphs are made more exact by.
        tried: Those that say which one is the best.
        run: Runs a batch.
        tensors: The outputs that are compared.
        exact: What they are for the samples that are tried.
        means: What is known of tensors, for ``with_corrected_biases``.
    """

    def __init__(
        self,
        graph: FrozenGraph,
        view: GraphView,
        data: CalibrationData,
        method: CalibrationMethod,
    ) -> None:
        """Runs the samples that are tried."""
        self.graph = graph
        self.view = view
        self.data = data
        self.method: CalibrationMethod = method
        self.found, apart = data.held_out()
        tried = apart or self.found
        self.tried = replace(tried, samples=tried.samples[:_TRIED])
        self.run = _run(graph, graph)
        outputs = graph.outputs
        self.tensors = [t.tensor for t in outputs if t.dtype.startswith("float")]
        self.exact = self.answers(self.run)
        self.means: KnownMeans = {}
        self._sizes: dict[tuple[str, int], ChannelSizes] = {}

    def answers(self, run: Run) -> list[Sequence[Array]]:
        """What something that runs gives for the samples that are tried."""
        return [run(c, self.tensors) for c in self.tried.chunks(_AT_ONCE)]

    def sizes(self, channels: Mapping[str, int]) -> Mapping[str, ChannelSizes]:
        """Of the channels of tensors; see ``channel_sizes``."""
        new = {n: c for n, c in channels.items() if (n, c) not in self._sizes}
        for name, sizes in channel_sizes(self.run, new, self.found).items():
            self._sizes[name, new[name]] = sizes
        return {name: self._sizes[name, count] for name, count in channels.items()}


class _Trials:
    """Tries graphs, and keeps the one with the least error.

    Attributes:
        best: It.
    """

    def __init__(self, floats: InFloats) -> None:
        self._floats = floats
        self._graph = floats.graph
        self._view = floats.view
        self._least = np.inf
        self.best: Choice | None = None

    def take(self, steps: Sequence[Step], ranges: Mapping[str, Range]) -> bool:
        """Keeps what comes of steps and ranges, if it is the best."""
        graph = self._graph
        made = build(graph.graph_def, self._view, steps, ranges)
        run = _run(graph, replace(graph, graph_def=made.graph_def))
        error = _error(self._floats.exact, self._floats.answers(run))
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
        run, found = divided_run(self._floats.run, factors), self._floats.found
        known = None if factors else self._floats.means
        corrected = with_corrected_biases(self._view, steps, of, run, found, known)
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
        made = smooth(self._view, steps, self._floats.sizes(channels))
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
        made = equalize(self._view, steps, self._floats.sizes(channels))
        if not made.factors:
            return None
        factors = {**factors, **made.factors}
        new = self._ranges_of(made.factors, factors)
        return made.steps, {**ranges, **new}, factors

    def _ranges_of(
        self, tensors: Iterable[str], factors: Mapping[str, Doubles]
    ) -> Mapping[str, Range]:
        run = divided_run(self._floats.run, factors)
        names = [f"{name}:0" for name in tensors]
        observed = collect(run, names, self._floats.data, Silent())
        return {
            name.removesuffix(":0"): find_range(each, self._floats.method)
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
