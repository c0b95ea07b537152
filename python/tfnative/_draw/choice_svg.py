# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of how layers in 8 bits were chosen: accuracy, or error, against time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tfnative._base.text import short_node
from tfnative._draw.dot import shortened
from tfnative._draw.families import GREY
from tfnative._draw.svg import opened, safe, written
from tfnative.manifest import ChoicePoint, PrecisionChoice

_WIDTH, _HEIGHT = 640, 280
_LEFT, _TOP, _BELOW, _RIGHT = 90, 70, 60, 40
_LINE, _CHOSEN, _BOUND = "#2b6cb0", "#2f855a", "#c53030"
_TICKS = 4
_NAMED = 12
"""More points than these would lie too close for their names."""

_EXACT = 10.0
"""Decibels above the best other point, at which one without any error is drawn."""


def choice_svg(model: str, choices: Mapping[str, PrecisionChoice]) -> str:
    """The picture, as an SVG document, with a chart for each signature.

    To the right goes the time of a call, upwards accuracy, or decibels. A point is the
    model with some layers in float32 again; the circle without filling is float32.
    """
    each = _TOP + _HEIGHT + _BELOW
    height = each * max(len(choices), 1)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines += opened(_LEFT + _WIDTH + _RIGHT, height)
    for number, (signature, choice) in enumerate(choices.items()):
        lines.append(f'<g transform="translate(0 {each * number})">')
        lines += _chart(f"{model}, signature {signature}", choice)
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""])


@dataclass(frozen=True)
class _Axis:
    """Numbers from one place to another."""

    low: float
    high: float
    start: float
    length: float

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * self.length

    def ticks(self) -> Iterator[tuple[float, float]]:
        for number in range(_TICKS + 1):
            value = self.low + (self.high - self.low) * number / _TICKS
            yield value, self.at(value)


def _chart(title: str, choice: PrecisionChoice) -> Iterator[str]:
    heights = _heights(choice)
    bound = _bound(choice)
    float32 = _float32(choice, heights)
    times = [*(point.time for point in choice.points), choice.float32_time]
    across = _Axis(0.0, max(*times, 1e-9) * 1.05, _LEFT, _WIDTH)
    up = _axis([*heights, float32, *([] if bound is None else [bound])])
    yield written(_LEFT, 26, title, 15, weight="bold")
    yield written(_LEFT, 46, _note(choice), 12, colour=GREY)
    yield from _axes(choice, across, up)
    if bound is not None:
        y = up.at(bound)
        yield (
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + _WIDTH}" y2="{y:.1f}" '
            f'stroke="{_BOUND}" stroke-dasharray="5 4"/>'
        )
    places = [
        (across.at(point.time), up.at(height))
        for point, height in zip(choice.points, heights, strict=True)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{line}" fill="none" stroke="{_LINE}"/>'
    for point, place in zip(choice.points, places, strict=True):
        colour = _CHOSEN if point is choice.points[-1] else _LINE
        yield _dot(place, colour, colour, _described(point, choice))
        if len(places) <= _NAMED and point.returned:
            yield _name(place, point.returned)
    end = across.at(choice.float32_time), up.at(float32)
    yield _dot(end, "#ffffff", GREY, f"float32: {_time(choice.float32_time, choice)}")


def _heights(choice: PrecisionChoice) -> Sequence[float]:
    if choice.budget == "accuracy":
        return [100 * (point.accuracy or 0.0) for point in choice.points]
    return [
        _ceiling(choice) if point.signal_to_noise is None else point.signal_to_noise
        for point in choice.points
    ]


def _ceiling(choice: PrecisionChoice) -> float:
    known = [p.signal_to_noise for p in choice.points if p.signal_to_noise is not None]
    return max([*known, choice.allowed]) + _EXACT


def _float32(choice: PrecisionChoice, heights: Sequence[float]) -> float:
    if choice.budget == "accuracy":
        return 100 * (choice.float32_accuracy or 0.0)
    return max(_ceiling(choice), *heights)


def _bound(choice: PrecisionChoice) -> float | None:
    if choice.budget != "accuracy":
        return choice.allowed
    if choice.float32_accuracy is None:
        return None
    return max(100 * choice.float32_accuracy - choice.allowed, 0.0)


def _axis(values: Sequence[float]) -> _Axis:
    low, high = min(values), max(values)
    room = max((high - low) * 0.08, abs(high) * 1e-6) or 1.0
    return _Axis(low - room, high + room, _TOP + _HEIGHT, -_HEIGHT)


def _axes(choice: PrecisionChoice, across: _Axis, up: _Axis) -> Iterator[str]:
    bottom, right = _TOP + _HEIGHT, _LEFT + _WIDTH
    for value, y in up.ticks():
        yield (
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" '
            'stroke="#e2e8f0"/>'
        )
        unit = "%" if choice.budget == "accuracy" else " dB"
        label = f"{value:.1f}{unit}"
        yield written(_LEFT - 8, y + 4, label, 11, anchor="end", colour=GREY)
    for value, x in across.ticks():
        label = f"{value:.3g}"
        yield written(x, bottom + 16, label, 11, anchor="middle", colour=GREY)
    unit = "microseconds" if choice.time_unit == "us" else "millions of operations"
    yield written(right, bottom + 34, unit, 11, anchor="end", colour=GREY)


def _dot(place: tuple[float, float], fill: str, stroke: str, title: str) -> str:
    x, y = place
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{stroke}">'
        f"<title>{safe(title)}</title></circle>"
    )


def _name(place: tuple[float, float], node: str) -> str:
    """Beside the point, on the side where there is room."""
    x, y = place
    is_left = x < _LEFT + _WIDTH / 2
    name = shortened(short_node(node), 40)
    side, anchor = (9, "start") if is_left else (-9, "end")
    return written(x + side, y + 4, name, 11, anchor=anchor)


def _described(point: ChoicePoint, choice: PrecisionChoice) -> str:
    what = "all layers in 8 bits"
    if point.returned:
        name = shortened(short_node(point.returned), 80)
        what = f"{point.layers} of {len(choice.layers)} in 8 bits, without {name}"
    return f"{what}: {_time(point.time, choice)}"


def _time(time: float, choice: PrecisionChoice) -> str:
    return f"{time:.3g} {choice.time_unit}"


def _note(choice: PrecisionChoice) -> str:
    last = choice.points[-1].layers if choice.points else 0
    others = "other " if choice.held_out else ""
    where = f"on {choice.cpu_level}" if choice.cpu_level else "estimated by operations"
    return (
        f"{last} of {len(choice.layers)} layers in 8 bits; judged by "
        f"{choice.judged_samples} samples, ranges of {choice.range_samples} {others}"
        f"samples; times {where}"
    )
