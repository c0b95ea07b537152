# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The chart of a workspace as a picture: where each value lies, from step to step."""

from __future__ import annotations

from collections.abc import Iterator

from tfnative._base.units import format_bytes
from tfnative._draw.dot import shortened
from tfnative._draw.families import FAMILIES, GREY
from tfnative._draw.html import page
from tfnative._draw.memory import MemoryChart, NamedValue
from tfnative._draw.svg import opened, safe, written

_WIDTH, _HEIGHT = 940, 360
_LEFT, _TOP = 90, 96
_LISTED = 8
_LINE = "#c53030"


def memory_svg(chart: MemoryChart) -> str:
    """The picture, as an SVG document.

    To the right go the steps, upwards the workspace. A box is a value: as high as it
    has bytes, as wide as it lives. The line is how many bytes are alive at each step.
    """
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *_svg(chart), ""])


def memory_html(chart: MemoryChart) -> str:
    """The picture in a page, with a table of all values.

    Raises:
        FailedPreconditionError: Jinja2 is not installed.
    """
    rows = [(f"n{number}", _details(v)) for number, v in enumerate(chart.values)]
    return page(chart.title, "\n".join(_svg(chart)), rows)


def _svg(chart: MemoryChart) -> Iterator[str]:
    listed = chart.at_peak[:_LISTED]
    below = _TOP + _HEIGHT + 76
    height = below + 18 * (len(listed) + 1)
    width = _LEFT + _WIDTH + 20
    yield from opened(width, height)
    yield written(_LEFT, 26, chart.title, 16, weight="bold")
    for number, note in enumerate(chart.notes):
        yield written(_LEFT, 46 + 16 * number, note, 12)
    yield from _axes(chart)
    for number, value in enumerate(chart.values):
        yield from _box(chart, number, value)
    yield from _line(chart)
    yield from _legend(chart)
    if listed:
        text = f"alive at step {chart.peak_step}"
        text += f", the {_LISTED} largest" if len(chart.at_peak) > _LISTED else ""
        yield written(_LEFT, below, f"{text}:", 12, weight="bold")
    for number, value in enumerate(listed, 1):
        text = shortened(f"{value.share:.0%}  {_described(value)}", 130)
        yield written(_LEFT, below + 18 * number, text, 12)
    yield "</svg>"


def _axes(chart: MemoryChart) -> Iterator[str]:
    bottom, right = _TOP + _HEIGHT, _LEFT + _WIDTH
    for quarter in range(5):
        y = bottom - _HEIGHT * quarter / 4
        yield (
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" '
            'stroke="#e2e8f0"/>'
        )
        label = format_bytes(chart.size * quarter / 4) if quarter else "0"
        yield written(_LEFT - 8, y + 4, label, 11, anchor="end", colour=GREY)
    steps = max(len(chart.live), 1)
    for step in sorted({0, chart.peak_step, steps - 1}):
        x = _x(chart, step) + _WIDTH / steps / 2
        yield written(x, bottom + 16, str(step), 11, anchor="middle", colour=GREY)
    yield written(right, bottom + 32, "step", 11, anchor="end", colour=GREY)


def _box(chart: MemoryChart, number: int, value: NamedValue) -> Iterator[str]:
    place, family = value.value, FAMILIES.get(value.family, FAMILIES["other"])
    left, right = _x(chart, place.first), _x(chart, place.last + 1)
    top, bottom = _y(chart, place.offset + place.size), _y(chart, place.offset)
    points = f"{left:.2f},{top:.2f} {right:.2f},{top:.2f} "
    points += f"{right:.2f},{bottom:.2f} {left:.2f},{bottom:.2f}"
    yield f'<g class="node" id="n{number}"><title>{safe(_described(value))}</title>'
    yield (
        f'<polygon points="{points}" fill="{family.fill}" stroke="{family.stroke}" '
        'stroke-width="0.7"/></g>'
    )


def _line(chart: MemoryChart) -> Iterator[str]:
    points = []
    for step, live in enumerate(chart.live):
        y = _y(chart, live)
        points += [f"{_x(chart, at):.2f},{y:.2f}" for at in (step, step + 1)]
    yield (
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{_LINE}" '
        'stroke-width="1.6"/>'
    )


def _legend(chart: MemoryChart) -> Iterator[str]:
    y, x = _TOP + _HEIGHT + 44, _LEFT
    yield (
        f'<line x1="{x}" y1="{y - 4}" x2="{x + 18}" y2="{y - 4}" stroke="{_LINE}" '
        'stroke-width="1.6"/>'
    )
    yield written(x + 24, y, "alive at once", 11)
    x += 130
    for key in dict.fromkeys(value.family for value in chart.values):
        family = FAMILIES.get(key, FAMILIES["other"])
        yield (
            f'<rect x="{x}" y="{y - 10}" width="12" height="12" '
            f'fill="{family.fill}" stroke="{family.stroke}"/>'
        )
        yield written(x + 18, y, family.label, 11)
        x += 40 + 6 * len(family.label)


def _x(chart: MemoryChart, step: int) -> float:
    steps = max(len(chart.live), 1)
    return _LEFT + _WIDTH * min(step, steps) / steps


def _y(chart: MemoryChart, place: int) -> float:
    return _TOP + _HEIGHT - _HEIGHT * place / max(chart.size, 1)


def _described(value: NamedValue) -> str:
    place = value.value
    parts = (format_bytes(place.size), place.shape, value.op, value.name)
    return "  ".join(part for part in parts if part)


def _details(value: NamedValue) -> dict[str, str]:
    place = value.value
    return {
        "step": str(place.writer) if place.writer >= 0 else "",
        "op": value.op,
        "name": value.name,
        "shape": place.shape,
        "bytes": f"{place.size:,}",
        "of the peak (%)": f"{value.share * 100:.1f}" if value.share else "",
        "from step": str(place.first),
        "to step": str(place.last),
        "at byte": f"{place.offset:,}",
    }
