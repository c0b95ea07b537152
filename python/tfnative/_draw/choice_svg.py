# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of how layers in 8 bits were chosen: accuracy, or error, against time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tfnative._draw.choice_curve import (
    BOUND,
    CHOSEN,
    LINE,
    NAMED,
    curve_of,
    described,
    name_of,
    note,
    time_text,
    unit,
)
from tfnative._draw.families import GREY
from tfnative._draw.svg import opened, safe, written
from tfnative.manifest import PrecisionChoice

_WIDTH, _HEIGHT = 640, 280
_LEFT, _TOP, _BELOW, _RIGHT = 90, 70, 60, 40
_TICKS = 4


def choice_svg(model: str, choices: Mapping[str, PrecisionChoice]) -> str:
    """The picture, as an SVG document, with a chart for each signature.

    To the right goes the time of a call, upwards accuracy, or decibels. A point is the
    model with some layers in floats again; the circle without filling is float32.
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
    curve = curve_of(choice)
    both = [*curve.points, curve.float32]
    bounds = [] if curve.bound is None else [curve.bound]
    across = _Axis(0.0, max(*(time for time, _ in both), 1e-9) * 1.05, _LEFT, _WIDTH)
    up = _axis([*(height for _, height in both), *bounds])
    yield written(_LEFT, 26, title, 15, weight="bold")
    yield written(_LEFT, 46, note(choice), 12, colour=GREY)
    yield from _axes(choice, across, up)
    for bound in bounds:
        y = up.at(bound)
        yield (
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + _WIDTH}" y2="{y:.1f}" '
            f'stroke="{BOUND}" stroke-dasharray="5 4"/>'
        )
    places = [(across.at(time), up.at(height)) for time, height in both]
    end = places.pop()
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{line}" fill="none" stroke="{LINE}"/>'
    for point, place in zip(choice.points, places, strict=True):
        colour = CHOSEN if point is choice.points[-1] else LINE
        yield _dot(place, colour, colour, described(point, choice))
        if len(places) <= NAMED and point.returned:
            yield _name(place, name_of(point))
    said = f"float32: {time_text(choice.float32_time, choice)}"
    yield _dot(end, "#ffffff", GREY, said)


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
        sign = "%" if choice.budget == "accuracy" else " dB"
        label = f"{value:.1f}{sign}"
        yield written(_LEFT - 8, y + 4, label, 11, anchor="end", colour=GREY)
    for value, x in across.ticks():
        label = f"{value:.3g}"
        yield written(x, bottom + 16, label, 11, anchor="middle", colour=GREY)
    yield written(right, bottom + 34, unit(choice), 11, anchor="end", colour=GREY)


def _dot(place: tuple[float, float], fill: str, stroke: str, title: str) -> str:
    x, y = place
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{stroke}">'
        f"<title>{safe(title)}</title></circle>"
    )


def _name(place: tuple[float, float], name: str) -> str:
    """Beside the point, on the side where there is room."""
    x, y = place
    is_left = x < _LEFT + _WIDTH / 2
    side, anchor = (9, "start") if is_left else (-9, "end")
    return written(x + side, y + 4, name, 11, anchor=anchor)
