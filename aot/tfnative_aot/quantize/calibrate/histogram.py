# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A picture of a tensor's values, with the range that each method finds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tfnative._draw.svg import safe, written
from tfnative_aot.quantize.calibrate.methods import METHODS, find_range
from tfnative_aot.quantize.calibrate.observed import Observed, Range
from tfnative_aot.quantize.calibrate.squared_error import squared_error

_LEFT, _TOP, _WIDTH, _HEIGHT = 70, 128, 720, 230
_BAR = 16
_GREY, _FILL = "#718096", "#cbd5e0"
_LINES = {
    "min-max": ("#4a5568", "1 0"),
    "moving-average": ("#805ad5", "6 2"),
    "percentile": ("#2b6cb0", "2 2"),
    "mse": ("#00796b", "8 3 2 3"),
    "kl": ("#c53030", "4 4"),
}
"""Colours, and dashes for those who do not tell colours apart."""


@dataclass(frozen=True)
class _Frame:
    """What is shown, from left to right and up to the top."""

    low: float
    high: float
    most: int

    def x(self, value: float) -> float:
        """The place of a value."""
        width = (self.high - self.low) or 1.0
        return _LEFT + _WIDTH * (value - self.low) / width

    def y(self, count: float) -> float:
        """The place of a count, on a scale of logarithms."""
        share = math.log10(1 + count) / math.log10(1 + max(self.most, 1))
        return _TOP + _HEIGHT * (1 - share)


def histogram_svg(observed: Observed, title: str) -> str:
    """The picture, as an SVG document: the same bytes for the same values.

    Args:
        observed: A tensor whose values are finite.
        title: Stands above it.
    """
    starts = np.arange(0, len(observed.counts), _BAR)
    bars = np.add.reduceat(observed.counts, starts)
    frame = _Frame(
        min(observed.least, 0.0), max(observed.largest, 0.0), int(bars.max(initial=0))
    )
    width, height = _LEFT + _WIDTH + 30, _TOP + _HEIGHT + 60 + 19 * len(METHODS)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" '
        'font-family="Helvetica,Arial,sans-serif">',
        f"<title>{safe(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        written(14, 24, title, 15, weight="bold"),
        *_axes(frame),
        *_bars(frame, observed, bars.tolist()),
    ]
    for number, (method, found) in enumerate(_ranges(observed)):
        lines += _limits(frame, number, method, found)
        lines += _row(number, method, found, observed)
    return "\n".join([*lines, "</svg>", ""])


def _ranges(observed: Observed) -> list[tuple[str, Range]]:
    return [(method, find_range(observed, method)) for method in METHODS]


def _axes(frame: _Frame) -> Iterator[str]:
    bottom = _TOP + _HEIGHT
    decades = range(int(math.log10(max(frame.most, 1))) + 1)
    for count in (10**power for power in decades):
        y = frame.y(count)
        yield (
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + _WIDTH}" y2="{y:.1f}" '
            'stroke="#e2e8f0"/>'
        )
        yield written(_LEFT - 8, y + 4, f"{count:,}", 11, anchor="end", colour=_GREY)
    yield (
        f'<line x1="{_LEFT}" y1="{bottom}" x2="{_LEFT + _WIDTH}" y2="{bottom}" '
        f'stroke="{_GREY}"/>'
    )
    for value in sorted({frame.low, 0.0, frame.high}):
        x = frame.x(value)
        yield written(x, bottom + 16, f"{value:.3g}", 11, anchor="middle", colour=_GREY)


def _bars(frame: _Frame, observed: Observed, bars: list[int]) -> Iterator[str]:
    for number, count in enumerate(bars):
        if not count:
            continue
        ends = (observed.edges[number * _BAR], observed.edges[(number + 1) * _BAR])
        left, right = (frame.x(float(np.clip(e, frame.low, frame.high))) for e in ends)
        top = frame.y(count)
        yield (
            f'<rect x="{left:.2f}" y="{top:.1f}" width="{max(right - left, 0.5):.2f}" '
            f'height="{_TOP + _HEIGHT - top:.1f}" fill="{_FILL}"/>'
        )


def _limits(frame: _Frame, number: int, method: str, found: Range) -> Iterator[str]:
    """The ends of a range, and a line between them above the bars."""
    colour, dashes = _LINES[method]
    y = 46 + 16 * number
    low, high = frame.x(found.low), frame.x(found.high)
    bottom = _TOP + _HEIGHT
    points = f"{low:.1f},{bottom} {low:.1f},{y} {high:.1f},{y} {high:.1f},{bottom}"
    yield (
        f'<polyline points="{points}" fill="none" stroke="{colour}" '
        f'stroke-width="1.4" stroke-dasharray="{dashes}"/>'
    )


def _row(number: int, method: str, found: Range, of: Observed) -> Iterator[str]:
    """What there is to say of a method, below the bars."""
    colour, dashes = _LINES[method]
    y = _TOP + _HEIGHT + 44 + 19 * number
    yield (
        f'<line x1="{_LEFT}" y1="{y - 4}" x2="{_LEFT + 34}" y2="{y - 4}" '
        f'stroke="{colour}" stroke-width="1.8" stroke-dasharray="{dashes}"/>'
    )
    error = math.sqrt(squared_error(of, found) / max(of.values, 1))
    is_outside = (of.edges[1:] <= found.low) | (of.edges[:-1] >= found.high)
    clipped = int(of.counts[is_outside].sum()) / max(of.values, 1)
    columns = (
        (44, method),
        (180, f"{found.low:.3g} to {found.high:.3g}"),
        (330, f"step {(found.high - found.low) / 255:.3g}"),
        (450, f"clipped {clipped:.3%}"),
        (590, f"error {error:.3g}"),
    )
    for x, text in columns:
        yield written(_LEFT + x, y, text, 12)
