# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What pictures of how layers in 8 bits were chosen show, whatever draws them."""

from __future__ import annotations

from dataclasses import dataclass

from tfnative._base.text import short_node
from tfnative._draw.dot import shortened
from tfnative.manifest import ChoicePoint, PrecisionChoice

LINE, CHOSEN, BOUND = "#2b6cb0", "#2f855a", "#c53030"

NAMED = 12
"""More points than these would lie too close for their names."""

_EXACT = 10.0
"""Decibels above the best other point, at which one without any error is drawn."""


@dataclass(frozen=True)
class Curve:
    """Time to the right, in the unit of times; upwards percent, or decibels.

    Attributes:
        points: Of all that was tried.
        float32: Of the model in float32.
        bound: Upwards, what is allowed; None if that is not known.
    """

    points: tuple[tuple[float, float], ...]
    float32: tuple[float, float]
    bound: float | None


def curve_of(choice: PrecisionChoice) -> Curve:
    """What is to be drawn of a signature."""
    if choice.budget == "accuracy":
        exact = 100 * (choice.float32_accuracy or 0.0)
        heights = [100 * (point.accuracy or 0.0) for point in choice.points]
        bound = None
        if choice.float32_accuracy is not None:
            bound = max(exact - choice.allowed, 0.0)
    else:
        ratios = [point.signal_to_noise for point in choice.points]
        known = [ratio for ratio in ratios if ratio is not None]
        exact = max([*known, choice.allowed]) + _EXACT
        heights = [exact if ratio is None else ratio for ratio in ratios]
        bound = choice.allowed
    times = [point.time for point in choice.points]
    return Curve(
        tuple(zip(times, heights, strict=True)), (choice.float32_time, exact), bound
    )


def name_of(point: ChoicePoint) -> str:
    """The layer that went back, and to what if that is not float32."""
    name = shortened(short_node(point.returned), 40)
    return name if point.to == "float32" else f"{name} ({point.to})"


def described(point: ChoicePoint, choice: PrecisionChoice) -> str:
    """A point in words."""
    what = "all layers in 8 bits"
    if point.returned:
        name = shortened(short_node(point.returned), 80)
        what = (
            f"{point.layers} of {len(choice.layers)} in 8 bits, with {name} in "
            f"{point.to}"
        )
    return f"{what}: {time_text(point.time, choice)}"


def time_text(time: float, choice: PrecisionChoice) -> str:
    """A time with its unit."""
    return f"{time:.3g} {choice.time_unit}"


def unit(choice: PrecisionChoice) -> str:
    """Of times, in words."""
    return "microseconds" if choice.time_unit == "us" else "millions of operations"


def note(choice: PrecisionChoice) -> str:
    """What was chosen, and how it was judged."""
    last = choice.points[-1].layers if choice.points else 0
    others = "other " if choice.held_out else ""
    where = f"on {choice.cpu_level}" if choice.cpu_level else "estimated by operations"
    return (
        f"{last} of {len(choice.layers)} layers in 8 bits; judged by "
        f"{choice.judged_samples} samples, ranges of {choice.range_samples} {others}"
        f"samples; times {where}"
    )
