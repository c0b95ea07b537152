# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training replicas``: steps per second by devices of this machine."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from typing import Any

from training.begin import check_what
from training.cli.numbers import few
from training.cli.what import add_length, add_what, options_of_what
from training.options import DEVICES
from training.strategies.speed import REPLICATED, measure_speeds


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "replicas", help="steps per second by the number of devices of this machine"
    )
    add = parser.add_argument
    add(
        "--strategy",
        dest="strategies",
        nargs="+",
        choices=REPLICATED,
        default=REPLICATED,
        help="which to compare (default: all)",
    )
    add(
        "--replicas",
        type=few,
        nargs="+",
        default=[1, 2, 4],
        help="numbers of devices (default: 1 2 4)",
    )
    add_what(parser, seed="weights and the order")
    add_length(parser, rows=64, steps="that are counted")
    add(
        "--rows-of-replica",
        action="store_true",
        help="--batch-size is the rows of each replica: more replicas, larger steps",
    )
    add("--device", choices=DEVICES, default="cpu", help="where to compute")
    add("--json", action="store_true", help="the table as JSON")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Trains with each, and prints the table."""
    options = replace(options_of_what(parsed), device=parsed.device)
    # Once, before it is measured.
    most = max(parsed.replicas) if parsed.rows_of_replica else 1
    check_what(replace(options, batch_size=options.batch_size * most))
    found = measure_speeds(
        parsed.strategies,
        parsed.replicas,
        options,
        rows_of_replica=parsed.rows_of_replica,
    )
    if parsed.json:
        rows = [{**asdict(s), "rows_per_second": s.rows_per_second} for s in found]
        print(json.dumps(rows))
        return 0
    print("strategy   replicas  rows a step   steps/s   rows/s")
    for speed in found:
        print(
            f"{speed.strategy:9}{speed.replicas:10d}{speed.rows:13d}"
            f"{speed.steps_per_second:10.1f}{speed.rows_per_second:9.0f}"
        )
    return 0
