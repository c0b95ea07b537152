# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The comparison as a picture: how many times longer each peer takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.results import Result

# Colours that those who see red and green alike tell apart, and shapes besides.
STYLES = {
    "tensorflow": ("TensorFlow", "#D55E00", "s"),
    "xla": ("TensorFlow with XLA", "#E69F00", "D"),
    "ort": ("ONNX Runtime", "#0072B2", "o"),
    "litert": ("LiteRT", "#009E73", "^"),
    "openvino": ("OpenVINO", "#CC79A7", "v"),
}
MARK = {"markersize": 8, "markeredgecolor": "white", "markeredgewidth": 0.8}
TICK = {"markersize": 15, "markeredgewidth": 1.8, "color": "#333333"}
NOTE: Any = {"fontsize": 8, "color": "#777777"}
TARGET = "target"
INK, LINE = "#333333", "#D0D0D0"
TITLE = "How many times longer than tfnative a call takes"


def draw(results: Sequence[Result], output: Path, machine: str) -> None:
    """Writes a PNG: a panel per batch size, a line per model, a mark per peer.

    Args:
        results: What was measured.
        output: The file.
        machine: Stands below the picture.
    """
    batch_sizes = sorted({result.batch_size for result in results})
    names = list(dict.fromkeys(result.model for result in results))
    size = (max(9.0, 1.5 + 5.0 * len(batch_sizes)), 2.3 + 0.45 * len(names))
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    columns = len(batch_sizes)
    panels = figure.subplots(1, columns, sharex=True, sharey=True, squeeze=False)[0]
    for panel, batch_size in zip(panels, batch_sizes, strict=True):
        chosen = [result for result in results if result.batch_size == batch_size]
        rows = "row" if batch_size == 1 else "rows"
        panel.set_title(f"{batch_size} {rows} per call", color=INK)
        _draw_marks(panel, chosen, names)
        _dress_axes(panel, names)
    _shade(panels)
    _dress_figure(figure, panels, machine)
    figure.savefig(output, dpi=160)


def _draw_marks(panel: Any, results: Sequence[Result], names: list[str]) -> None:
    panel.set_xscale("log")
    panel.axvline(1, color=INK, linewidth=1.2, zorder=2)
    for result in results:
        row = names.index(result.model)
        ratios = {peer.contestant: result.ratio_to(peer) for peer in result.peers}
        shown = {peer: ratio for peer, ratio in ratios.items() if ratio}
        if shown:
            ends = (min(shown.values()), max(shown.values()))
            panel.plot(ends, (row, row), color=LINE, linewidth=2, zorder=3)
        if result.target:
            panel.plot(result.target, row, "|", label=TARGET, zorder=5, **TICK)
        for peer, ratio in shown.items():
            label, colour, shape = STYLES[peer]
            panel.plot(ratio, row, shape, color=colour, label=label, zorder=4, **MARK)


def _shade(panels: Sequence[Any]) -> None:
    """Marks the side that is ours; the axis is shared and has all marks by now."""
    low, high = panels[0].get_xlim()
    low, high = min(low, 0.8), max(high, 1.25)
    for panel in panels:
        panel.axvspan(1, high, color="#F1F8F5", zorder=0)
        place = {"xycoords": "axes fraction", "textcoords": "offset points"}
        text = ("tfnative is faster →", (1, 1), (-6, -12))
        panel.annotate(*text, ha="right", **place, **NOTE)
        panel.set_xlim(low, high)


def _dress_axes(panel: Any, names: list[str]) -> None:
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.8)  # The first model on top.
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set_xlabel("a peer's median / tfnative's median", color=INK)
    panel.grid(axis="x", color="#E4E4E4", zorder=1)
    panel.set_axisbelow(True)
    panel.tick_params(which="both", length=0, labelcolor=INK)
    panel.spines[:].set_visible(False)


def _dress_figure(figure: Figure, panels: Sequence[Any], machine: str) -> None:
    """Title, legend, and the machine."""
    handles: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    inch = 1 / float(figure.get_figheight())
    figure.set_layout_engine("constrained", rect=(0, 0.25 * inch, 1, 1 - 1.05 * inch))
    figure.text(0.02, 1 - 0.38 * inch, TITLE, fontsize=15, color=INK)
    figure.text(0.02, 0.12 * inch, machine, **NOTE)
    if handles:
        at: Any = {"loc": "upper left", "bbox_to_anchor": (0.01, 1 - 0.45 * inch)}
        style: Any = {"frameon": False, "handletextpad": 0.1, "columnspacing": 1.3}
        figure.legend(handles.values(), handles, ncols=len(handles), **at, **style)
