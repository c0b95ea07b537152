# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes channels alike in size of what is rounded before products, as SmoothQuant does.

A tensor has one scale. Behind a layer normalization, as in transformers, a few channels
are often many times as large as all others, which then share the few steps that are
left. Where products read a tensor that is computed in floats, it is divided by a factor
for each channel before it is rounded, and their weights are multiplied by it. Which
factors, ``equalize`` says. What else reads the tensor reads it as it was.

Source: G. Xiao et al., SmoothQuant, 2023. There, the division is folded into what
normalizes. Here it is a multiplication of floats, which XLA joins with what is computed
before it, so that any tensor can be divided: an input, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tfnative_aot.quantize.static.channels import ChannelSizes
from tfnative_aot.quantize.static.equalize import least_noise, multiplied
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.patches import Doubles
from tfnative_aot.quantize.static.plan import Step, divided

_WORTH = 0.5
"""What noise has to become at most: a multiplication of each number is paid for it."""


@dataclass(frozen=True)
class Smoothed:
    """Steps that divide what they read.

    Attributes:
        steps: All of them.
        factors: By the tensor that is divided, (channels,), its last dimensions.
    """

    steps: Sequence[Step]
    factors: Mapping[str, Doubles]


def find_readers(
    view: GraphView, steps: Sequence[Step]
) -> Mapping[str, Sequence[Step]]:
    """The products that read each tensor that can be divided."""
    made = {step.output for step in steps}
    found: dict[str, list[Step]] = {}
    for step in steps:
        source = view.source(step.inputs[0])
        if step.kind == "product" and source not in made:
            found.setdefault(source, []).append(step)
    return {n: own for n, own in found.items() if _have_channels(view, n, own)}


def read_by(view: GraphView, step: Step) -> str:
    """What a product multiplies, as ranges name it."""
    source = view.source(step.inputs[0])
    return source if step.factors is None else divided(source)


def channels_of(step: Step) -> int:
    """Of what a product reads."""
    assert step.weights is not None
    return int(step.weights.shape[2]) * step.groups


def trailing(sizes: Sequence[int], channels: int) -> tuple[int, ...] | None:
    """The last sizes of a tensor that are its channels, if some are."""
    for count in range(1, len(sizes)):
        own = tuple(sizes[len(sizes) - count :])
        if math.prod(own) == channels:
            return own
    return None


def _have_channels(view: GraphView, source: str, readers: Sequence[Step]) -> bool:
    channels = channels_of(readers[0])
    names = [source, *(step.inputs[0] for step in readers)]
    return all(channels_of(step) == channels for step in readers) and all(
        trailing(view.sizes(name) or (), channels) is not None for name in names
    )


def smooth(
    view: GraphView, steps: Sequence[Step], sizes: Mapping[str, ChannelSizes]
) -> Smoothed:
    """The steps with the factors that cost the least.

    Args:
        view: The graph.
        steps: Of it.
        sizes: Of the tensors of ``find_readers``.
    """
    now = {id(step): step for step in steps}
    factors = {}
    for source, readers in find_readers(view, steps).items():
        best = least_noise(readers, sizes[source], worth=_WORTH)
        if best is None:
            continue
        factors[source] = best
        for step in readers:
            now[id(step)] = replace(multiplied(step, best), factors=best)
    return Smoothed([now[id(step)] for step in steps], factors)
