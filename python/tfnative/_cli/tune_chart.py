# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of `tfnative tune`: rows per second against latency."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._cli.common import write_file
from tfnative.errors import FailedPreconditionError, InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._batch.tune import TuneReport


FORMATS = (".png", ".svg", ".pdf")


def require_chart(path: str) -> None:
    """Checks that a picture can be drawn.

    Raises:
        InvalidArgumentError: The file's name does not end in a known format.
        FailedPreconditionError: matplotlib is missing. Says what to install.
    """
    if Path(path).suffix.lower() not in FORMATS:
        raise InvalidArgumentError(
            f"--chart {path}: expected a file that ends in {', '.join(FORMATS)}"
        )
    if importlib.util.find_spec("matplotlib") is None:
        raise FailedPreconditionError(
            '--chart needs matplotlib: pip install "tfnative[chart]"'
        )


def save_chart(report: TuneReport, latency_target_ms: float | None, path: str) -> None:
    """Draws the trials: p50 and p99 of each, joined by a line, by batch size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    sizes = sorted({trial.parameters.max_batch_size for trial in report.trials})
    for number, size in enumerate(sizes):
        trials = [t for t in report.trials if t.parameters.max_batch_size == size]
        color = f"C{number % 10}"
        speeds = [trial.rows_per_second for trial in trials]
        low = [trial.p50_micros / 1e3 for trial in trials]
        high = [trial.p99_micros / 1e3 for trial in trials]
        axes.hlines(speeds, low, high, color=color, linewidth=1, alpha=0.5)
        axes.plot(low, speeds, "o", color=color, markersize=4)
        axes.plot(high, speeds, "D", color=color, markersize=5, label=f"up to {size}")
    best = report.proposed
    axes.plot(
        [best.p99_micros / 1e3],
        [best.rows_per_second],
        "o",
        markersize=14,
        fillstyle="none",
        color="black",
        label="proposed",
    )
    if latency_target_ms is not None:
        axes.axvline(latency_target_ms, color="gray", linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds: p50 (dot) to p99 (diamond)")
    axes.set_ylabel("rows per second")
    axes.set_ylim(bottom=0)
    axes.set_title(f"{report.model}, signature {report.signature}")
    axes.legend(title="rows per batch")
    suffix = Path(path).suffix.lower()
    write_file(path, lambda file: figure.savefig(file, format=suffix[1:], dpi=150))
