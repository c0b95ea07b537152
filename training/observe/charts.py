# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of steps: a row for each member, and where the time of its steps goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from training.files import written
from training.observe.steps import Step, shares, split_steps, waits_of
from training.observe.timeline import offsets
from training.observe.trace import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    "input": "#d1495b",
    "communication": "#edae49",
    "compute": "#2e86ab",
    "between": "#c9c9c9",
}
"""Waiting for input, waiting for others, computing, and what Python does."""


def plot_traces(traces: Sequence[Trace], path: Path) -> None:
    """Draws the steps of some members above each other, and their shares beside.

    Args:
        traces: One for each row. Members of one cluster are placed by their clocks;
            traces of runs that were minutes apart all begin at 0.
        path: A picture of any kind that matplotlib writes.

    Raises:
        TrainingError: It cannot be written, or a trace has no step; what was there
            stays.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import Rectangle

    steps = [split_steps(trace) for trace in traces]
    figure, (left, right) = pyplot.subplots(
        *(1, 2),
        figsize=(11, 1.4 + 0.7 * len(traces)),
        width_ratios=(3, 1),
        sharey=True,
        layout="constrained",
    )
    for row, (trace, own, begin) in enumerate(
        zip(traces, steps, _begins(traces, steps), strict=True)
    ):
        _draw_steps(left, row, trace, own, begin)
        _draw_shares(right, row, own)
    left.set_yticks(range(len(traces)), [trace.member for trace in traces])
    left.invert_yaxis()
    left.set_xlabel("milliseconds")
    right.set_xlim(0, 1)
    right.set_xlabel("share of a step")
    figure.legend(
        [Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS.values()],
        ["waits for input", "waits for others", "computes", "between steps"],
        loc="outside upper center",
        ncols=4,
        frameon=False,
    )
    try:
        with written(path, "--plot") as file:
            figure.savefig(file, dpi=110)
    finally:
        pyplot.close(figure)


def _begins(traces: Sequence[Trace], steps: Sequence[list[Step]]) -> list[float]:
    """What is 0 in each row."""
    shifts = offsets(traces)
    last = max(own[-1].begin for own in steps)
    if max(shifts) > last:  # Runs of their own, one after the other.
        return [own[0].begin for own in steps]
    first = min(own[0].begin + by for own, by in zip(steps, shifts, strict=True))
    return [first - by for by in shifts]


def _draw_steps(
    axes: Axes, row: int, trace: Trace, steps: Sequence[Step], begin: float
) -> None:
    def bars(spans: list[tuple[float, float]], name: str) -> None:
        axes.broken_barh(
            [((low - begin) * 1e3, (high - low) * 1e3) for low, high in spans],
            (row - 0.35, 0.7),
            color=COLOURS[name],
        )

    inside = [(s.begin, s.begin + s.seconds - s.between) for s in steps]
    bars([(s.begin, s.begin + s.seconds) for s in steps], "between")
    bars(inside, "compute")
    low, high = inside[0][0], inside[-1][1]
    for kind, waits in waits_of(trace).items():
        shown = [(max(low, a), min(high, b)) for a, b in waits if a < high and b > low]
        bars(shown, kind)
    axes.vlines(
        [(s.begin - begin) * 1e3 for s in steps],
        *(row - 0.35, row + 0.35),
        color="white",
        linewidth=0.8,
    )


def _draw_shares(axes: Axes, row: int, steps: Sequence[Step]) -> None:
    mean, left = shares(steps), 0.0
    for name, colour in COLOURS.items():
        share = getattr(mean, name)
        axes.barh(row, share, left=left, height=0.5, color=colour)
        left += share
