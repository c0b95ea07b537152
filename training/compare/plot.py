# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of strategies side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.compare.measure import Compared, smooth
from training.files import written


def plot(results: Sequence[Compared], path: Path) -> None:
    """Draws losses over steps, over rows and over time, and how stale steps were.

    Raises:
        TrainingError: The file cannot be written; what was there stays.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    ((steps, rows), (time, stale)) = figure.subplots(2, 2)
    for result in results:
        losses = smooth([point.loss for point in result.points])
        numbers = range(1, len(losses) + 1)
        begin = result.points[0].seconds
        steps.plot(numbers, losses, label=result.strategy)
        rows.plot([result.rows * n for n in numbers], losses, label=result.strategy)
        time.plot(
            [point.seconds - begin for point in result.points],
            losses,
            label=result.strategy,
        )
        found = [point.staleness for point in result.points]
        counts = [found.count(value) for value in range(max(found) + 1)]
        stale.plot(range(len(counts)), counts, marker="o", label=result.strategy)
    for axis, label in (
        (steps, "changes of the weights"),
        (rows, "rows seen"),
        (time, "seconds since the first step"),
    ):
        axis.set(xlabel=label, ylabel="loss, mean of 20 steps", yscale="log")
    stale.xaxis.get_major_locator().set_params(integer=True)
    stale.set(xlabel="staleness: changes by others in between", ylabel="steps")
    for axis in (steps, rows, time, stale):
        axis.grid(alpha=0.3)
        axis.legend()
    with written(path, "--plot") as file:
        figure.savefig(file, dpi=120)
