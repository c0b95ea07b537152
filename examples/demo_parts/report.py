# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Results as a table and as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo_parts.contestant import Result

COLORS = {"tensorflow": "#b8bcc4", "tfnative": "#e8710a"}


@dataclass(frozen=True)
class Row:
    """Something that was measured, and the smaller the better."""

    title: str
    unit: str
    value: Callable[[Result], float]

    def text(self, result: Result) -> str:
        """The value with three digits and its unit."""
        value = self.value(result)
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
        return f"{value:,.{digits}f} {self.unit}"


def rows(batch_sizes: Sequence[int]) -> list[Row]:
    """What is shown of each result."""
    shown = [
        Row("to ship", "MB", lambda r: r.shipped_bytes / 1e6),
        Row("import and load", "ms", lambda r: r.ready_seconds * 1e3),
    ]
    for size in batch_sizes:
        shown.append(
            Row(
                f"predict {size} image{'s' if size > 1 else ''}",
                "µs",
                lambda r, size=size: r.latency_micros[size],  # type: ignore[misc]
            )
        )
    return shown


def as_text(results: Sequence[Result], batch_sizes: Sequence[int]) -> str:
    """A table: one column per result, and how many times less the last one takes."""
    first, last = results[0], results[-1]
    table = [["", *(r.name for r in results), ""]]
    table.append(["accuracy", *(f"{r.accuracy:.2%}" for r in results), ""])
    for row in rows(batch_sizes):
        ratio = row.value(first) / row.value(last)
        table.append([row.title, *map(row.text, results), f"{ratio:,.0f} times less"])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for title, *cells in table:
        padded = (c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([title.ljust(widths[0]), *padded]).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def draw(results: Sequence[Result], batch_sizes: Sequence[int], path: Path) -> Path:
    """The table as bars on logarithmic scales, in a PNG file."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = rows(batch_sizes)
    figure, axes = plt.subplots(
        len(shown), 1, figsize=(8, 1.15 * len(shown) + 0.9), layout="constrained"
    )
    figure.suptitle(f"Digits classifier, {results[-1].accuracy:.1%} accurate both ways")
    for axis, row in zip(axes, shown, strict=True):
        values = [row.value(r) for r in results]
        names = [r.name for r in results]
        bars = axis.barh(names, values, color=[COLORS[n] for n in names])
        axis.bar_label(bars, [row.text(r) for r in results], padding=4)
        axis.set_xscale("log")
        axis.set_xlim(min(values) / 10, max(values) * 6)
        axis.invert_yaxis()
        axis.set_title(f"{row.title} (log scale)", loc="left", fontsize=10)
        axis.xaxis.set_visible(False)
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
