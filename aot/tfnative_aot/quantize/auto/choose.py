# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The signature with as many layers in 8 bits as a budget bears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tfnative._compile.options import CompileOptions
from tfnative.manifest import ChoicePoint, LayerTrial, PrecisionChoice
from tfnative_aot.progress import Progress
from tfnative_aot.quantize.auto.held_out import LABELLED, PLAIN, Parted, part
from tfnative_aot.quantize.auto.judge import Judge, Loss
from tfnative_aot.quantize.auto.labels import labels_of, read_labels
from tfnative_aot.quantize.auto.search import (
    Budget,
    Step,
    in_order,
    search,
    sensitivities,
)
from tfnative_aot.quantize.auto.times import Times, estimated
from tfnative_aot.quantize.auto.trial import Workshop, measured
from tfnative_aot.quantize.calibrate.entry import Entry
from tfnative_aot.quantize.small_weights import check_ends
from tfnative_aot.quantize.static.quantize import StaticQuantizer
from tfnative_aot.split.divide import Prepared


def with_chosen_layers(
    prepared: Prepared, shop: Workshop, progress: Progress
) -> Prepared:
    """The signature with layers in 8 bits, of which some have gone back to float32.

    Args:
        prepared: The signature.
        shop: What compiles, for timing, and what is asked for.
        progress: Is told of stages and parts.

    Raises:
        NotFoundError: There is no such file of samples or labels.
        InvalidArgumentError: Samples or labels do not fit.
        CompileError: Ranges cannot be found, or what is timed cannot be compiled.
    """
    options = shop.options
    check_ends(prepared.graph)
    parted, judge = _judge(shop.entry(prepared), options)
    quantizer = StaticQuantizer(
        prepared, parted.ranges, options.calibration_method, progress
    )
    losses = sensitivities(quantizer, judge, progress)
    times = _times(prepared, quantizer, parted, shop, progress)
    budget = _budget(options)
    products = frozenset(losses)

    def attempt(kept: frozenset[str]) -> Loss:
        if kept == products:
            return judge.exact  # It is the same graph.
        return judge.judge(quantizer.graph(kept).graph_def)

    order = in_order(losses, times.gained)
    steps = search(order, attempt, lambda loss: budget.holds(loss, judge), progress)
    kept = [step.returned for step in steps if step.returned]
    reasons = {name: _reason(losses[name], times, name) for name in kept}
    made = quantizer.quantized(kept, reasons)
    choice = _choice(budget, parted, judge, losses, times, steps)
    return replace(made, choice=choice)


def _judge(entry: Entry, options: CompileOptions) -> tuple[Parted, Judge]:
    assert options.calibration is not None
    graph, for_ranges = entry.prepared.graph, options.calibration_samples
    labels = None if options.labels is None else read_labels(options.labels)
    more = PLAIN if labels is None else LABELLED
    data = entry.read(options.calibration, for_ranges + more)
    if labels is not None:
        labels_of(labels, data)  # Their number is checked before anything runs.
    parted = part(entry.behind(data), for_ranges, more)
    own = None if labels is None else labels_of(labels, parted.judged)
    return parted, Judge(graph, parted.judged, own, options.labels_output)


def _budget(options: CompileOptions) -> Budget:
    if options.labels is not None:
        return Budget("accuracy", float(options.max_accuracy_drop))
    return Budget("signal_to_noise", options.min_signal_to_noise)


def _times(
    prepared: Prepared,
    quantizer: StaticQuantizer,
    parted: Parted,
    shop: Workshop,
    progress: Progress,
) -> Times:
    graph, level = prepared.graph, shop.level
    if level is None or not quantizer.products:
        return estimated(quantizer.operations(), shop.rows(graph))
    whole = quantizer.quantized().graph
    names = [step.node.name for step in quantizer.products]
    return measured(shop, level, (graph, whole), names, parted.judged, progress)


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
    steps: Sequence[Step],
) -> PrecisionChoice:
    returned = [step.returned for step in steps if step.returned]
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
            LayerTrial(name, loss.signal_to_noise, times.gained[name])
            for name, loss in losses.items()
        ),
        points=tuple(
            ChoicePoint(
                returned=step.returned,
                layers=len(losses) - number,
                time=times.of(returned[:number]),
                signal_to_noise=step.loss.signal_to_noise,
                accuracy=_accuracy(step.loss, judge),
                holds=step.holds,
            )
            for number, step in enumerate(steps)
        ),
    )


def _accuracy(loss: Loss, judge: Judge) -> float | None:
    return None if loss.right is None else loss.right / judge.samples
