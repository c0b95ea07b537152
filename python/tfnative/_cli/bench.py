# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative bench`."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING

from tfnative._cli.common import (
    UsageError,
    add_backend,
    add_command,
    add_json,
    load_options,
    print_json,
    print_table,
    require_folder,
    write_file,
)
from tfnative._cli.numbers import seconds, wholes
from tfnative._measure.bench import bench, profile

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative bench build/digits
  tfnative bench build/digits --batch-sizes 1,5,100 --seconds 3 --json
  tfnative bench saved_models/digits --backend tensorflow
  tfnative bench build/digits --profile --batch-sizes 32 --trace trace.json
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "bench", run, "time a model on this machine", _EXAMPLES
    )
    parser.add_argument(
        "model", help="folder of a compiled model, or of a SavedModel with --backend"
    )
    parser.add_argument(
        "--batch-sizes",
        type=wholes(0),
        metavar="N,...",
        help="rows per call (default: the compiled batch sizes; TensorFlow: 1,32)",
    )
    parser.add_argument(
        "--seconds",
        type=seconds(),
        default=1.0,
        help="how long to measure each (default: 1)",
    )
    add_backend(parser, "threads")
    parser.add_argument(
        "--signature", metavar="NAME", help="measure only this one (default: all)"
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help="time per step of the program, with the TensorFlow node it comes from",
    )
    parser.add_argument(
        "--trace",
        metavar="FILE",
        help="with --profile: write a run for chrome://tracing or ui.perfetto.dev "
        "(default: none)",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Shows the latency of each signature and number of rows, or of each step."""
    if options.trace is not None and not options.profile:
        raise UsageError("--trace needs --profile")
    if options.profile:
        return _profile(options)
    found = bench(
        options.model,
        batch_sizes=options.batch_sizes,
        seconds=options.seconds,
        signature=options.signature,
        **load_options(options).given(),
    )
    if options.json:
        print_json([dataclasses.asdict(row) for row in found])
        return 0
    rows = [
        (
            row.signature,
            row.rows,
            f"{row.median_micros:.1f}",
            f"{row.p99_micros:.1f}",
            f"{row.rows_per_second:,.0f}",
        )
        for row in found
    ]
    print_table(("signature", "rows", "median us", "p99 us", "rows/s"), rows)
    return 0


def _profile(options: argparse.Namespace) -> int:
    if options.trace is not None:
        require_folder(options.trace)
    sizes = options.batch_sizes or [None]
    if len(sizes) > 1:
        raise UsageError("--profile takes one batch size")
    found = profile(
        options.model,
        batch_size=sizes[0],
        signature=options.signature,
        **load_options(options).given(),
    )
    if options.trace is not None:
        trace = json.dumps(found.trace).encode()
        write_file(options.trace, lambda file: file.write(trace))
    if options.json:
        shown = dataclasses.asdict(found)
        del shown["trace"]
        print_json(shown)
        return 0
    rows = [
        (
            f"{step.micros:.1f}",
            f"{step.share:.1%}",
            f"{step.gflops:.1f}" if step.gflops else "",
            step.calls,
            "  " * step.depth + step.kind,
            step.op,
            step.name,
        )
        for step in found.steps
    ]
    print_table(("us", "share", "GFLOP/s", "calls", "step", "op", "node"), rows)
    print(f"{found.micros:.1f} us in {found.signature}, {found.runs} runs")
    return 0
