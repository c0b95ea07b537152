# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative bench`."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from tfnative._bench import bench
from tfnative._cli.common import (
    add_command,
    add_json,
    print_json,
    print_table,
    whole_numbers,
)

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative bench build/digits
  tfnative bench build/digits --batch-sizes 1,5,100 --seconds 3 --json
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "bench", run, "time a compiled model on this machine", _EXAMPLES
    )
    parser.add_argument("artifact", help="folder of the artifact")
    parser.add_argument(
        "--batch-sizes",
        type=whole_numbers,
        metavar="N,...",
        help="rows per call (default: the compiled batch sizes)",
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="to measure each (default: 1)"
    )
    parser.add_argument("--cpu", metavar="LEVEL", help="CPU level (default: the best)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Shows the latency of each signature and number of rows."""
    found = bench(
        options.artifact,
        batch_sizes=options.batch_sizes,
        seconds=options.seconds,
        cpu_level=options.cpu,
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
