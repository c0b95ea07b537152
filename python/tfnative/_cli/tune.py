# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative tune`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import TYPE_CHECKING

from tfnative._cli.common import (
    add_command,
    print_json,
    require_folder,
    write_file,
)
from tfnative._cli.numbers import MOST_SECONDS, number, seconds, whole, wholes
from tfnative._cli.tune_report import print_report

if TYPE_CHECKING:
    from tfnative._batch.tune import TuneReport
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative tune build/digits
  tfnative tune build/digits --latency-target-ms 20 --output batching.txt
  tfnative tune build/digits --rate 5000 --timeouts 0,500,2000 --chart tune.png

Each combination of --max-batch-sizes, --timeouts, --batch-threads and
--allowed-batch-sizes is tried for --seconds. With a latency target, those count whose
p99 is within it, and without one, all; but none that fails more than one request of
100. Of those the one with most rows per second is proposed, or another that comes
within 5% of it with a lower p99: the knee, beyond which a little more throughput costs
much latency. If none counts, the one with the least p99. Callers are Python threads:
they need CPU time, too, as those of a service would.
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "tune", run, "find batching parameters for this machine", _EXAMPLES
    )
    parser.add_argument("artifact", help="folder of the artifact")
    parser.add_argument(
        "--signature", metavar="NAME", help="signature to run (default: as predict)"
    )
    parser.add_argument(
        "--threads",
        type=whole(1),
        default=1,
        help="threads that work on one batch (default: 1)",
    )
    load = parser.add_mutually_exclusive_group()
    load.add_argument(
        "--concurrency",
        type=whole(1),
        default=64,
        metavar="N",
        help="callers, each of which sends a row and waits for its answer, again and "
        "again (default: 64)",
    )
    load.add_argument(
        "--rate",
        type=number(1e9),
        metavar="R",
        help="instead of --concurrency: send so many rows per second, at random "
        "moments (default: --concurrency)",
    )
    parser.add_argument(
        "--latency-target-ms",
        type=number(1000 * MOST_SECONDS),
        metavar="MS",
        help="in how many milliseconds 99 of 100 requests have to be answered "
        "(default: any)",
    )
    parser.add_argument(
        "--max-batch-sizes",
        type=wholes(1),
        metavar="N,...",
        help="largest batches to try, in rows (default: the compiled batch sizes)",
    )
    parser.add_argument(
        "--timeouts",
        type=wholes(0),
        default=[0, 200, 1000, 4000],
        metavar="US,...",
        help="batch timeouts to try, in microseconds (default: 0,200,1000,4000)",
    )
    parser.add_argument(
        "--batch-threads",
        type=wholes(1),
        metavar="N,...",
        help="batch threads to try (default: 1, 2, 4, ... up to the machine's)",
    )
    parser.add_argument(
        "--allowed-batch-sizes",
        type=wholes(1),
        action="append",
        default=[],
        metavar="N,...",
        help="also try to pad batches to the next of these sizes; may be repeated "
        "(default: no padding)",
    )
    parser.add_argument(
        "--seconds",
        type=seconds(),
        default=1.0,
        help="how long each combination is tried (default: 1)",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="write the proposal as TensorFlow Serving's batching parameters (default: "
        "print it only)",
    )
    parser.add_argument(
        "--chart",
        metavar="FILE",
        help="draw the trials, as .png, .svg or .pdf (default: no picture)",
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write all that was measured as JSON; print it if FILE is - or left out",
    )


def run(options: argparse.Namespace) -> int:
    """Tries batching parameters and proposes some."""
    from tfnative._batch.tune import tune

    _check_files(options)  # Before the work, not after it.
    report = tune(
        options.artifact,
        signature=options.signature,
        threads=options.threads,
        concurrency=options.concurrency,
        rate=options.rate,
        latency_target_ms=options.latency_target_ms,
        max_batch_sizes=options.max_batch_sizes,
        batch_timeouts_micros=options.timeouts,
        num_batch_threads=options.batch_threads,
        allowed_batch_sizes=options.allowed_batch_sizes,
        seconds=options.seconds,
        on_trial=_show_progress,
    )
    _write_files(report, options)
    if options.json == "-":
        print_json(dataclasses.asdict(report))
    else:
        print_report(report, options)
    return 0


def _show_progress(done: int, count: int, seconds_left: float) -> None:
    """How long it will take; and where it is, if somebody looks."""
    if done == 0:
        print(f"{count} trials, about {seconds_left:.0f} s", file=sys.stderr)
    elif sys.stderr.isatty():
        text = f"\rtrial {done} of {count}, {seconds_left:.0f} s left  "
        end = "\n" if done == count else ""
        print(text, end=end, file=sys.stderr, flush=True)


def _check_files(options: argparse.Namespace) -> None:
    for file in (options.output, options.chart, options.json):
        if file is not None and file != "-":
            require_folder(file)
    if options.chart is not None:
        from tfnative._cli.tune_chart import require_chart

        require_chart(options.chart)


def _write_files(report: TuneReport, options: argparse.Namespace) -> None:
    if options.output is not None:
        text = report.proposed.parameters.to_text_proto()
        write_file(options.output, lambda file: file.write(text.encode()))
    if options.json not in (None, "-"):
        content = json.dumps(dataclasses.asdict(report), indent=2) + "\n"
        write_file(options.json, lambda file: file.write(content.encode()))
    if options.chart is not None:
        from tfnative._cli.tune_chart import save_chart

        save_chart(report, options.latency_target_ms, options.chart)
