# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What `tfnative tune` prints."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tfnative._cli.common import print_table

if TYPE_CHECKING:
    from tfnative._batch.trials import BatchParameters, BatchTrial
    from tfnative._batch.tune import TuneReport


def print_report(report: TuneReport, options: argparse.Namespace) -> None:
    """Prints the tables, and what is proposed as a line of Python."""
    print(f"{report.model}, signature {report.signature}: one batch at a time")
    print_table(
        ("rows", "median us", "us per row"),
        [
            (
                t.rows,
                f"{t.median_micros:.1f}",
                f"{t.median_micros / max(1, t.rows):.2f}",
            )
            for t in report.batch_times
        ],
    )
    print("\nbatched")
    _print_trials(report)
    if not report.in_time:
        print(f"\n{_what_is_wrong(options.latency_target_ms)}; the nearest is")
    print(f"\n{_python(report.proposed.parameters, options)}")


def _print_trials(report: TuneReport) -> None:
    padded = any(trial.parameters.allowed_batch_sizes for trial in report.trials)
    header = (
        "max batch",
        "timeout us",
        "threads",
        *(["padded to"] if padded else []),
        "rows/s",
        "p50 us",
        "p99 us",
        "mean batch",
        "failed",
        "",
    )
    rows = [_cells(t, padded, t is report.proposed) for t in report.trials]
    print_table(header, rows)


def _cells(trial: BatchTrial, padded: bool, is_proposed: bool) -> tuple[object, ...]:
    sizes = trial.parameters.allowed_batch_sizes
    return (
        trial.parameters.max_batch_size,
        trial.parameters.batch_timeout_micros,
        trial.parameters.num_batch_threads,
        *([", ".join(map(str, sizes)) or "-"] if padded else []),
        f"{trial.rows_per_second:,.0f}",
        f"{trial.p50_micros:,.0f}",
        f"{trial.p99_micros:,.0f}",
        f"{trial.mean_batch_size:.1f}",
        trial.failed,
        "proposed" if is_proposed else "",
    )


def _what_is_wrong(latency_target_ms: float | None) -> str:
    if latency_target_ms is None:
        return "Every trial failed more than one request of 100"
    return f"No trial answered 99 of 100 requests within {latency_target_ms:g} ms"


def _python(parameters: BatchParameters, options: argparse.Namespace) -> str:
    arguments = ["model"]
    if options.signature:
        arguments.append(f"signature={options.signature!r}")
    arguments += [
        f"max_batch_size={parameters.max_batch_size}",
        f"batch_timeout_micros={parameters.batch_timeout_micros}",
        f"num_batch_threads={parameters.num_batch_threads}",
    ]
    if parameters.allowed_batch_sizes:
        arguments.append(f"allowed_batch_sizes={parameters.allowed_batch_sizes}")
    load = f"tfnative.load({options.artifact!r}, threads={options.threads})"
    return ("" if options.threads == 1 else f"model = {load}\n") + (
        f"tfnative.Batcher({', '.join(arguments)})"
    )
