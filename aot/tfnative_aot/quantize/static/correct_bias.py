# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gives back to biases what rounding takes from the mean of a product's results.

Weights that are rounded, and inputs that are rounded and clipped, move the mean of each
output channel by what is the same for all inputs, as good as: a bias takes it back. For
each product, the mean of what it reads in floats is multiplied with the weights as they
were, and the mean of that in 8 bits with the rounded ones. All products are looked at
at once, in one run of the float graph: once the means of one are right again, those
of the products behind it are, too, but for what functions between them make of noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tfnative_aot.freeze.quantized import LEVELS, Quantization
from tfnative_aot.quantize.calibrate.collect import Run
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.patches import Doubles, mean_patch, product_of
from tfnative_aot.quantize.static.plan import Step
from tfnative_aot.quantize.static.scales import whole_weights
from tfnative_aot.quantize.static.smooth import read_by

_MOST_SAMPLES = 128
"""Means are known well enough of so many."""

_AT_ONCE = 4
_HALVES = 2


class Means:
    """Of the rows of a tensor, in floats and in 8 bits, added up one by one."""

    def __init__(self, to: Quantization) -> None:
        self._to = to
        self._rows = 0
        self._exact: Doubles = np.zeros(1)
        self._rounded: Doubles = np.zeros(1)

    def see(self, rows: npt.NDArray[np.float32]) -> None:
        """Takes in (rows, elements) of floats."""
        of = self._to
        steps = np.clip(np.rint(rows / of.scale), -of.zero, LEVELS - of.zero)
        self._rows += len(rows)
        self._exact = self._exact + rows.sum(axis=0, dtype=np.float64)
        self._rounded = self._rounded + steps.sum(axis=0, dtype=np.float64) * of.scale

    def both(self) -> tuple[Doubles, Doubles]:
        """The means in floats, and in 8 bits."""
        return self._exact / self._rows, self._rounded / self._rows


KnownMeans = dict[tuple[str, Quantization], Sequence[Means]]
"""Of each half of the samples, by tensor and what it is rounded to."""


def with_corrected_biases(
    view: GraphView,
    steps: Sequence[Step],
    quantizations: Mapping[str, Quantization],
    run: Run,
    data: CalibrationData,
    known: KnownMeans | None = None,
) -> Sequence[Step]:
    """The steps, with other biases where these make means more exact.

    What is found of one half of the samples has to bring the means of the other half
    nearer to those of floats, and the other way round. So one sample corrects nothing.

    Args:
        view: The graph.
        steps: Of it.
        quantizations: Of each tensor that steps read.
        run: Runs a batch in floats.
        data: Samples.
        known: What was found of tensors before, to which this adds. It has to be of
            the same samples, and of what ``run`` gives.
    """
    products = [step for step in steps if step.kind == "product"]
    own = {view.source(s.inputs[0]): quantizations[read_by(view, s)] for s in products}
    known = {} if known is None else known
    new = {s: of for s, of in own.items() if (s, of) not in known}
    means = _means(view, run, new, data)
    if means is None:
        return steps
    for source, of in new.items():
        known[source, of] = [half[source] for half in means]
    corrected = {}
    for step in products:
        source = view.source(step.inputs[0])
        scale = own[source].scale
        halves = [
            _correction(step, half.both(), scale) for half in known[source, own[source]]
        ]
        corrected[id(step)] = _with_correction(step, halves)
    return [corrected.get(id(step), step) for step in steps]


def _means(
    view: GraphView,
    run: Run,
    sources: Mapping[str, Quantization],
    data: CalibrationData,
) -> Sequence[Mapping[str, Means]] | None:
    """Of each half of the samples, what is known of each tensor."""
    samples = data.samples[:_MOST_SAMPLES]
    if len(samples) < _HALVES:
        return None
    found = []
    names = [f"{source}:0" for source in sources]
    for first in range(_HALVES):
        means = {name: Means(to) for name, to in sources.items()}
        half = replace(data, samples=samples[first::_HALVES])
        for chunk in half.chunks(_AT_ONCE) if names else ():
            for source, array in zip(sources, run(chunk, names), strict=True):
                leading = view.leading(source) or 1
                means[source].see(np.reshape(array, (len(array) // leading, -1)))
        found.append(means)
    return found


def _correction(
    step: Step, means: tuple[Doubles, Doubles], input_scale: float
) -> Doubles:
    """How much more the results in floats are, on average."""
    assert step.weights is not None
    assert step.bias is not None
    assert step.window is not None
    whole = whole_weights(step.weights, step.bias, input_scale).as_floats()
    sizes = (*step.window.in_size[1:], step.weights.shape[2] * step.groups)
    results = []
    for mean, weights in zip(means, (step.weights, whole), strict=True):
        images = mean.reshape(-1, *sizes)
        patch = mean_patch(images.mean(axis=0), step.window)
        results.append(product_of(patch, weights, step.groups))
    return np.asarray(results[0] - results[1])


def _with_correction(step: Step, halves: Sequence[Doubles]) -> Step:
    one, other = halves
    left = float(np.square(one - other).sum())
    if not left < min(float(np.square(half).sum()) for half in halves):
        return step
    assert step.bias is not None
    bias = (step.bias + (one + other) / _HALVES).astype(np.float32)
    return replace(step, bias=bias)
