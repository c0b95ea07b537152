# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A picture of how clusters learn, with the kill in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from train_demo_parts.kill import Kill, read_steps

_SMOOTH = 10


def draw(runs: Mapping[str, Path], killed: str, kill: Kill, path: Path) -> None:
    """Draws losses over time and over steps, as a PNG.

    Args:
        runs: Folders of runs by strategy.
        killed: The strategy that lost a member.
        kill: When, and who.
        path: The picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    over_time, over_steps = figure.subplots(1, 2, sharey=True)
    for strategy, folder in runs.items():
        points = read_steps(folder)
        begin = points[0]["seconds"]
        seconds = [point["seconds"] - begin for point in points]
        losses = _smooth([point["loss"] for point in points])
        (line,) = over_time.plot(seconds, losses, label=strategy)
        over_steps.plot([point["step"] for point in points], losses, label=strategy)
        if strategy == killed:
            mark = {"color": line.get_color(), "linestyle": "--"}
            label = f"kill -9 {kill.member}"
            over_time.axvline(kill.seconds - begin, label=label, **mark)
            over_steps.axvline(kill.step, label=label, **mark)
    over_time.set(xlabel="seconds since the first step", yscale="log")
    over_time.set(ylabel=f"loss, mean of {_SMOOTH} steps")
    over_steps.set(xlabel="steps")
    for axes in (over_time, over_steps):
        axes.grid(alpha=0.3)
    over_time.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _smooth(values: list[float]) -> list[float]:
    windows = (values[max(0, end - _SMOOTH) : end] for end in range(1, len(values) + 1))
    return [sum(window) / len(window) for window in windows]
