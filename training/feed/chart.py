# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Draws what was measured as bars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.feed.measure import Feeding
from training.files import written


def label_of(feeding: Feeding) -> str:
    """A bar's name."""
    options = feeding.options
    if options.way in ("feed_dict", "numpy"):
        return f"{options.way}\nbatch {options.batch_size}"
    return (
        f"{options.way}\nbatch {options.batch_size}\n"
        f"{options.threads} threads\ncapacity {options.capacity}"
    )


def draw(feedings: Sequence[Feeding], path: Path, *, title: str) -> None:
    """Writes a PNG: rows per second, which part of a step waits, memory over steps."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = [label_of(each) for each in feedings]
    rows = [each.steps_per_second * each.options.batch_size for each in feedings]
    waits = [100 * each.input_share for each in feedings]
    figure, (above, below, last) = plt.subplots(
        3, 1, figsize=(max(7, 1.2 * len(names)), 9), layout="constrained"
    )
    above.bar(names, rows, color="#1976d2")
    above.set_ylabel("rows per second")
    above.set_title(title)
    below.bar(names, waits, color="#f57c00")
    below.set_ylabel("% of a step waiting")
    below.set_ylim(0, 100)
    for axes in (above, below):
        axes.tick_params("x", labelsize=8)
    for name, each in zip(names, feedings, strict=True):
        steps, grown = zip(*each.resident_over_steps, strict=True)
        last.plot(steps, [x / 1e6 for x in grown], label=name.replace("\n", ", "))
    last.set_ylabel("MB more in memory")
    last.set_xlabel("step")
    last.legend(fontsize=7)
    with written(path, "--plot") as file:
        figure.savefig(file, dpi=100)
    plt.close(figure)
