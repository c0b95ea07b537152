# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The chart of a workspace in plain characters, for terminals and pipes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfnative._base.units import format_bytes
from tfnative._draw.memory import MemoryChart

_HEIGHT = 10
_WIDEST_STEP = 8
_LEAST_COLUMNS = 20


def to_text(chart: MemoryChart, width: int) -> str:
    """The lines of the chart, as wide as they may be, in ASCII.

    A column is a step; of more steps than there are columns, it is the highest of
    several.
    """
    if not chart.peak:
        return "no step leaves a value in the workspace\n"
    labels = [format_bytes(chart.peak), format_bytes(chart.peak / 2), "0"]
    margin = max(map(len, labels))
    room = max(width - margin - 3, _LEAST_COLUMNS)
    columns = _columns(chart.live, room)
    each = max(1, min(_WIDEST_STEP, room // len(columns)))
    lines = [
        f"{label.rjust(margin)} |{line}"
        for label, line in zip(
            _down(labels), _bars(columns, each, chart.peak), strict=True
        )
    ]
    at = _column_of(chart.peak_step, len(chart.live), len(columns)) * each
    pad = " " * (margin + 2)
    lines.append(f"{'0'.rjust(margin)} +{'-' * (len(columns) * each)}")
    lines.append(f"{pad}{' ' * at}^ step {chart.peak_step} of {len(chart.live)}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _columns(live: Sequence[int], room: int) -> list[int]:
    count = min(len(live), room)
    ends = [column * len(live) // count for column in range(count + 1)]
    return [max(live[ends[column] : ends[column + 1]]) for column in range(count)]


def _column_of(step: int, steps: int, columns: int) -> int:
    """The column that has a step."""
    column = step * columns // steps
    while (column + 1) * steps // columns <= step:
        column += 1
    return column


def _bars(columns: Sequence[int], each: int, peak: int) -> Iterator[str]:
    """The lines, from the top. What is there at all is at least one character high."""
    heights = [
        round(_HEIGHT * value / peak) or (1 if value else 0) for value in columns
    ]
    for line in range(_HEIGHT, 0, -1):
        yield "".join(("#" if height >= line else " ") * each for height in heights)


def _down(labels: Sequence[str]) -> Iterator[str]:
    for line in range(_HEIGHT):
        yield labels[0] if line == 0 else labels[1] if line == _HEIGHT // 2 else ""
