# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes channels of a tensor alike in size, where a product takes it back behind it.

A tensor has one scale, so a channel of small numbers has few of the 256 steps. Where a
product gives it and one other product reads it, the first one's weights and bias are
divided by a factor for each output channel, and the second one's weights multiplied by
it for each input channel. A ReLU passes factors above 0 on. An upper bound, as a ReLU6
has, does not, and kernels have one for all channels. It stays what it is, and stands
for less in a channel with a factor below 1: so factors are at most 1 there, and as
large as leaves room above what samples gave. Channels that reach the bound keep all of
it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tfnative_aot.quantize.static.channels import ChannelSizes
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.patches import Doubles, in_groups
from tfnative_aot.quantize.static.plan import Step

_EXPONENTS = np.linspace(0, 1, 9)
"""How much of the inequality goes from numbers to weights: none, to all of it."""

_LEAST = 2.0**-8
"""A channel that samples left at 0 may have numbers on other inputs."""

_BELOW = 1e-4
"""Of the largest power of an output channel, what is added to all of them."""

_ROOM = 1.25
"""By how much other inputs may exceed what samples gave, below a bound."""

_WORTH = 0.8
"""What noise has to become at most: less is gained than the estimate is sure of."""

_STEPS = (255, 127)
"""Of numbers, and of weights on each side of zero."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A product, and the only one that reads what it gives."""

    first: Step
    second: Step


@dataclass(frozen=True)
class Equalized:
    """Steps with other weights.

    Attributes:
        steps: All of them.
        factors: Of tensors that are smaller now: what was divided by, (channels,),
            which are the last dimensions.
    """

    steps: Sequence[Step]
    factors: Mapping[str, Doubles]


def find_pairs(view: GraphView, steps: Sequence[Step]) -> Iterator[Pair]:
    """The pairs between which factors can be moved."""
    readers: dict[str, list[tuple[Step, int]]] = {}
    for step in steps:
        for place, given in enumerate(step.inputs):
            readers.setdefault(view.source(given), []).append((step, place))
    for step in steps:
        found = readers.get(step.output, [])
        if len(found) != 1 or not _passes_factors(step):
            continue
        second, place = found[0]
        if second.kind != "product" or place != 0:
            continue
        if _is_read_alone(view, step.output, second) and _channels_fit(step, second):
            yield Pair(step, second)


def _passes_factors(step: Step) -> bool:
    return (
        step.kind == "product"
        and not step.is_exact
        and step.rounded == step.output
        and len(step.inputs) == 1
        and step.clamp.low in (0, -math.inf)
        and step.clamp.high > 0
    )


def _is_read_alone(view: GraphView, name: str, second: Step) -> bool:
    reader = view.only_reader(name)
    if reader is not None and reader.node.op in ("Pad", "PadV2"):
        reader = view.only_reader(reader.node.name)
    return reader is not None and reader.node is second.node


def _channels_fit(first: Step, second: Step) -> bool:
    """Whether each input channel of the second one is always the same of the first."""
    assert first.weights is not None
    assert second.weights is not None
    channels: int = second.weights.shape[2] * second.groups
    return channels % int(first.weights.shape[3]) == 0


def equalize(
    view: GraphView, steps: Sequence[Step], sizes: Mapping[str, ChannelSizes]
) -> Equalized:
    """The steps with the factors that cost the least.

    Each pair can be looked at for itself: how exact the second one's weights are does
    not change if each of its output channels is divided by something.

    Args:
        view: The graph.
        steps: Of it.
        sizes: Of the tensors that the first ones of pairs give.
    """
    now = {id(step): step for step in steps}
    factors = {}
    for pair in find_pairs(view, steps):
        best = best_factors(pair, sizes[pair.first.output])
        if best is None:
            continue
        first, second = (now[id(step)] for step in (pair.first, pair.second))
        now[id(pair.first)] = _divided(first, best)
        now[id(pair.second)] = multiplied(second, best)
        factors[pair.first.output] = best
    return Equalized([now[id(step)] for step in steps], factors)


def best_factors(pair: Pair, sizes: ChannelSizes) -> Doubles | None:
    """Those after which noise is the least; None if that is so as it is.

    They follow the roots of mean squares, which one number more or less does not
    change, and not the largest numbers: those that other inputs have would be clipped
    in whatever channel samples happened to give too little.
    """
    return least_noise([pair.second], sizes, bound=pair.first.clamp.high)


def least_noise(
    readers: Sequence[Step],
    sizes: ChannelSizes,
    *,
    bound: float = math.inf,
    worth: float = _WORTH,
) -> Doubles | None:
    """The factors of a tensor after which noise is the least in what reads it.

    Args:
        readers: The products that read it.
        sizes: Of its channels.
        bound: Of its numbers, which is the same for all channels.
        worth: What noise has to become at most.

    Returns:
        (channels,), of which the largest is 1; None if noise stays as large.
    """
    if not np.isfinite(sizes.magnitudes).all():
        return None
    numbers = _at_least(np.sqrt(sizes.squares))
    own = [_weight_sizes(reader, len(numbers)) for reader in readers]
    in_weights = _at_least(np.max(own, axis=0))
    floor = np.minimum(_ROOM * sizes.magnitudes / bound, 1)

    def total(factors: Doubles) -> float:
        return sum(noise(reader, sizes, factors) for reader in readers)

    best, least = None, worth * total(np.ones(len(numbers)))
    for exponent in _EXPONENTS:
        factors = numbers**exponent / in_weights ** (1 - exponent)
        factors = np.maximum(_at_least(factors), floor)
        found = total(factors)
        if found < least:
            best, least = factors, found
    return best


def _at_least(values: Doubles) -> Doubles:
    """Sizes in parts of the largest one, none of which is nothing beside it."""
    largest = float(values.max())
    return np.maximum(values / largest if largest > 0 else values + 1, _LEAST)


def _weight_sizes(second: Step, channels: int) -> Doubles:
    """The largest weight for each input channel, in parts of its output channel's."""
    assert second.weights is not None
    weights = np.abs(in_groups(second.weights, second.groups))
    largest = weights.max(axis=(0, 1, 2), keepdims=True)
    parts = weights / np.where(largest > 0, largest, 1)
    by_channel = parts.max(axis=(0, 1, 4)).T.reshape(-1, channels)
    return np.asarray(by_channel.max(axis=0))


def noise(second: Step, sizes: ChannelSizes, factors: Doubles) -> float:
    """What rounding numbers and weights adds, in parts of each channel's power.

    Errors of rounding are as good as independent, with the variance of a twelfth of a
    step's square.

    Args:
        second: A product.
        sizes: Of the numbers that it reads.
        factors: By which these are divided.
    """
    assert second.weights is not None
    weights = in_groups(second.weights, second.groups)
    by_weight = _by_weight(second, factors)
    squares = _by_weight(second, sizes.squares)
    ends = (sizes.highest / factors).max(), (sizes.lowest / factors).min()
    step_of_numbers = (max(ends[0], 0) - min(ends[1], 0)) / _STEPS[0]
    scaled = weights * by_weight
    steps_of_weights = np.abs(scaled).max(axis=(0, 1, 2)) / _STEPS[1]
    taps = weights.shape[0] * weights.shape[1]
    of_numbers = np.square(scaled).sum(axis=(0, 1, 2)) * step_of_numbers**2
    by_input = (squares / np.square(by_weight)).sum(axis=(0, 1, 2)) * taps
    of_weights = by_input * np.square(steps_of_weights)
    power = (np.square(weights) * squares).sum(axis=(0, 1, 2))
    floor = _BELOW * float(power.max()) or 1.0
    return float(((of_numbers + of_weights) / 12 / (power + floor)).sum())


def _by_weight(second: Step, values: Doubles) -> Doubles:
    """Values of channels, as ``in_groups`` has the weights that read these."""
    assert second.weights is not None
    channels = second.weights.shape[2]
    repeated = np.tile(values, channels * second.groups // len(values))
    return np.asarray(
        repeated.reshape(second.groups, channels).T[np.newaxis, np.newaxis, :, :, None]
    )


def _divided(first: Step, factors: Doubles) -> Step:
    assert first.weights is not None
    assert first.bias is not None
    return replace(
        first,
        weights=_floats(first.weights / factors),
        bias=_floats(first.bias / factors),
    )


def multiplied(second: Step, factors: Doubles) -> Step:
    """A product whose input is divided by factors."""
    assert second.weights is not None
    weights = in_groups(second.weights, second.groups) * _by_weight(second, factors)
    return replace(second, weights=_floats(weights.reshape(second.weights.shape)))


def _floats(values: Doubles) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(values, np.float32)
