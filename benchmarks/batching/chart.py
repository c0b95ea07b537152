# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Throughput as a picture: how much of the model's own speed callers get."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from benchmarks.batching.throughput import TARGET, Throughput
from benchmarks.chart import INK, NOTE

OURS, OTHERS = "#009E73", "#B0B0B0"
TITLE = "Rows per second, of what tfnative's model does with full batches"


def draw(results: Sequence[Throughput], output: Path, machine: str) -> None:
    """Writes a PNG: a panel per model and number of threads, a bar per contestant.

    Args:
        results: What was measured; at least one.
        output: The file.
        machine: Stands below the picture.
    """
    columns = min(2, len(results))
    lines = -(-len(results) // columns)
    bars = max(len(_shown(result)) for result in results)
    size = (6.5 * columns, 1.2 + lines * (1.0 + 0.32 * bars))
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel, result in zip(panels, results, strict=False):
        _draw_bars(panel, result)
    for panel in panels[len(results) :]:
        panel.set_visible(False)
    figure.suptitle(TITLE, color=INK, x=0.02, ha="left", fontsize=14)
    figure.supxlabel(machine, x=0.02, ha="left", **NOTE)
    figure.savefig(output, dpi=160)


def _shown(result: Throughput) -> list[tuple[str, float, bool]]:
    """Name and fraction of all that were measured, and whether it is ours."""
    return [
        (turns.contestant, fraction, turns in result.ours)
        for turns in (*result.ours, *result.peers)
        if (fraction := result.fraction(turns)) is not None
    ]


def _draw_bars(panel: Any, result: Throughput) -> None:
    shown = _shown(result)
    places = range(len(shown))
    fractions = [fraction for _, fraction, _ in shown]
    colours = [OURS if ours else OTHERS for *_, ours in shown]
    bars = panel.barh(places, fractions, color=colours, height=0.7)
    panel.bar_label(bars, [f"{f:.0%}" for f in fractions], padding=3, **NOTE)
    panel.axvline(TARGET, color=INK, linewidth=1, linestyle="--")
    panel.set_yticks(places, [name for name, *_ in shown])
    panel.invert_yaxis()
    panel.set_xlim(0, max([1.05, *(1.15 * f for f in fractions)]))
    panel.xaxis.set_major_formatter(PercentFormatter(1.0))
    panel.set_title(f"{result.name}, {result.callers} callers", color=INK, fontsize=10)
    panel.tick_params(length=0, labelcolor=INK)
    panel.spines[:].set_visible(False)
