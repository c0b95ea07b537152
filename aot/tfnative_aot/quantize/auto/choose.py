# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The signature with as many layers in 8 bits as a budget bears."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tfnative._compile.options import CompileOptions
from tfnative.manifest import ChoicePoint, LayerTrial, PrecisionChoice
from tfnative_aot.load.source import Arrays
from tfnative_aot.progress import Progress
from tfnative_aot.quantize.auto.halves import FLOAT32, find_halves, with_rounded
from tfnative_aot.quantize.auto.held_out import LABELLED, PLAIN, Parted, part
from tfnative_aot.quantize.auto.judge import Judge, Loss
from tfnative_aot.quantize.auto.labels import labels_of, read_labels
from tfnative_aot.quantize.auto.layers import Layers, Types
from tfnative_aot.quantize.auto.search import (
    Budget,
    Move,
    Step,
    moves_of,
    search,
    sensitivities,
)
from tfnative_aot.quantize.auto.times import (
    Times,
    estimated,
    estimated_halves,
    no_slower,
)
from tfnative_aot.quantize.auto.trial import Workshop, measured, measured_halves
from tfnative_aot.quantize.calibrate.entry import Entry
from tfnative_aot.quantize.record import AT_ONCE
from tfnative_aot.quantize.run_time_ranges import rounding_rows
from tfnative_aot.quantize.small_weights import check_ends
from tfnative_aot.quantize.static.quantize import StaticQuantizer
from tfnative_aot.split.divide import Prepared


def with_chosen_layers(
    entry: Entry, shop: Workshop, others: Collection[str], progress: Progress
) -> Prepared:
    """The signature with layers in 8 bits, of which some have gone back to floats.

    Args:
        entry: The signature, and where samples enter.
        shop: What compiles, for timing, and what is asked for.
        others: Names of arrays that are meant for other signatures.
        progress: Is told of stages and parts.

    Raises:
        NotFoundError: There is no such file of samples or labels.
        InvalidArgumentError: Samples or labels do not fit.
        CompileError: Ranges cannot be found, or what is timed cannot be compiled.
    """
    prepared, options = entry.prepared, shop.options
    check_ends(prepared.graph)
    parted, judge, whole = _judge(entry, options, others)
    quantizer = StaticQuantizer(
        prepared, parted.ranges, options.calibration_method, progress, lenient=True
    )
    layers = Layers(prepared, quantizer)
    losses = sensitivities(layers, judge, progress)
    times = _times(prepared, layers, parted, shop, progress)
    budget = _budget(options)
    halves = _Halves(prepared, layers, times, parted, shop, progress)

    def attempt(types: Types) -> Loss:
        if set(types.values()) <= {FLOAT32} and types.keys() == losses.keys():
            return judge.exact  # It is the same graph.
        return judge.judge(layers.reference(types))

    def moves() -> Sequence[Move]:
        return moves_of(losses, times.gained, halves.find())

    steps = search(moves, attempt, lambda loss: budget.holds(loss, judge), progress)
    types = _types(steps)
    reasons = {name: _reason(losses[name], times, name) for name in types}
    made = layers.prepared(types, reasons)

    def choice(steps: Sequence[Step]) -> PrecisionChoice:
        return _choice(budget, parted, judge, losses, times, halves.gained, steps)

    def judged(products: frozenset[str]) -> PrecisionChoice:
        """For some numbers of rows, XLA may have no product of what should be one."""
        loss = judge.judge(rounding_rows(layers.graph(types), products))
        last = replace(steps[-1], loss=loss, holds=budget.holds(loss, judge))
        return choice([*steps[:-1], last])

    return replace(made, choice=choice(steps), judged=judged, samples=_groups(whole))


class _Halves:
    """Which layers float16 weights are for, once that is asked."""

    def __init__(
        self,
        prepared: Prepared,
        layers: Layers,
        times: Times,
        parted: Parted,
        shop: Workshop,
        progress: Progress,
    ) -> None:
        self._graph = prepared.graph
        self._nodes = layers.nodes
        self._times = times
        self._parted = parted
        self._shop = shop
        self._progress = progress
        self.gained: Mapping[str, float] = {}

    def find(self) -> Mapping[str, tuple[float, float]]:
        """By layer, what they save against float32, and their noise."""
        noise = find_halves(self._graph, self._nodes)
        self.gained = no_slower(self._times, self._saved(noise)) if noise else {}
        return {name: (time, noise[name]) for name, time in self.gained.items()}

    def _saved(self, halves: Collection[str]) -> Mapping[str, float]:
        level, times = self._shop.level, self._times
        if level is None or not times.cpu_level:
            return estimated_halves(times, halves)
        own = {name: self._nodes[name] for name in halves}
        graph = with_rounded(self._graph, {n: "f16" for ns in own.values() for n in ns})
        return measured_halves(
            *(self._shop, level, graph, times, own),
            *(self._parted.judged, self._progress),
        )


def _types(steps: Sequence[Step]) -> Types:
    """What the layers have that are not in 8 bits."""
    return {step.move.layer: step.move.to for step in steps if step.move.layer}


def _judge(
    entry: Entry, options: CompileOptions, others: Collection[str]
) -> tuple[Parted, Judge, Parted]:
    """The last is what callers give, but for messages that the SDK parses."""
    assert options.calibration is not None
    graph, for_ranges = entry.prepared.graph, options.calibration_samples
    labels = None if options.labels is None else read_labels(options.labels)
    more = PLAIN if labels is None else LABELLED
    data = entry.read(options.calibration, for_ranges + more, others)
    if labels is not None:
        labels_of(labels, data)  # Their number is checked before anything runs.
    inner = entry.behind(data)
    parted = part(inner, for_ranges, more)
    own = None if labels is None else labels_of(labels, parted.judged)
    judge = Judge(graph, parted.judged, own, options.labels_output)
    whole = data if entry.prepared.head is None else inner
    return parted, judge, part(whole, for_ranges, more)


def _groups(parted: Parted) -> Mapping[str, Sequence[Arrays]]:
    """What outputs are compared on: drawn numbers may lie outside of all ranges."""
    groups = {"calibration": parted.ranges}
    if parted.held_out:
        groups["held out"] = parted.judged
    return {name: list(data.chunks(AT_ONCE)) for name, data in groups.items()}


def _budget(options: CompileOptions) -> Budget:
    if options.labels is not None:
        return Budget("accuracy", float(options.max_accuracy_drop))
    return Budget("signal_to_noise", options.min_signal_to_noise)


def _times(
    prepared: Prepared,
    layers: Layers,
    parted: Parted,
    shop: Workshop,
    progress: Progress,
) -> Times:
    graph, level = prepared.graph, shop.level
    if level is None or not layers.nodes:
        return estimated(layers.operations(), shop.rows(graph))
    return measured(shop, level, graph, layers, parted.judged, progress)


def _reason(loss: Loss, times: Times, name: str) -> str:
    ratio = loss.signal_to_noise
    alone = "loses nothing alone" if ratio is None else f"leaves {ratio:.1f} dB alone"
    gained, unit = times.gained[name], times.unit
    if gained <= 0:
        return f"in 8 bits, it {alone}, and is no faster"
    return f"in 8 bits, it {alone}, for {gained:.3g} {unit} less"


def _choice(
    budget: Budget,
    parted: Parted,
    judge: Judge,
    losses: Mapping[str, Loss],
    times: Times,
    halves: Mapping[str, float],
    steps: Sequence[Step],
) -> PrecisionChoice:
    return PrecisionChoice(
        budget=budget.kind,
        allowed=budget.allowed,
        range_samples=len(parted.ranges),
        judged_samples=len(parted.judged),
        held_out=parted.held_out,
        float32_accuracy=_accuracy(judge.exact, judge),
        float32_time=times.float32,
        time_unit=times.unit,
        cpu_level=times.cpu_level,
        rows=times.rows,
        layers=tuple(
            LayerTrial(name, loss.signal_to_noise, times.gained[name], halves.get(name))
            for name, loss in losses.items()
        ),
        points=tuple(
            ChoicePoint(
                returned=step.move.layer,
                layers=len(losses) - len(_types(steps[: number + 1])),
                time=times.of(_types(steps[: number + 1]), halves),
                signal_to_noise=step.loss.signal_to_noise,
                accuracy=_accuracy(step.loss, judge),
                holds=step.holds,
                to=step.move.to or FLOAT32,
            )
            for number, step in enumerate(steps)
        ),
    )


def _accuracy(loss: Loss, judge: Judge) -> float | None:
    return None if loss.right is None else loss.right / judge.samples
