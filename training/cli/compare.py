# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training compare``: strategies side by side, as a picture."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.cli.fit import add_options, options_of
from training.cli.numbers import natural
from training.cli.places import check_picture
from training.compare.measure import SHORT, compare, strategy_of
from training.errors import TrainingError
from training.options import FitOptions
from training.strategies import CLUSTERS


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "compare",
        help="train by several strategies with a cluster, and draw their losses",
        description="Trains by each strategy in a cluster on this machine. "
        "--batch-size is the rows of a worker; time begins with the first step.",
    )
    parser.add_argument(
        "strategies", nargs="+", metavar="STRATEGY", help=", ".join((*SHORT, *CLUSTERS))
    )
    parser.add_argument("--plot", type=Path, help="the picture, a PNG (default: none)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument(
        "--slow-worker",
        type=natural,
        default=0,
        metavar="MILLISECONDS",
        help="have the last worker stand still so long after each 50 ms (default: 0)",
    )
    add_options(parser)
    return parser


_LEFT_OUT = {
    "strategy": "--strategy",
    "epochs": "--epochs",
    "output": "--output",
    "overwrite": "--overwrite",
    "evaluator": "--evaluator",
    "evaluator_seconds": "--evaluator-seconds",
    "checkpoints": "--checkpoints",
    "checkpoint_steps": "--checkpoint-steps",
    "logs": "--logs",
    "looks": "--look",
    "profile": "--profile",
    "debug": "--debug",
}
"""What a comparison has no use for: the option by the field."""


def check_options(options: FitOptions) -> None:
    """Refuses what a comparison would leave out in silence.

    Raises:
        TrainingError: An option of `fit` is given that a comparison has no use for.
    """
    usual = FitOptions()
    for field, option in _LEFT_OUT.items():
        if getattr(options, field) != getattr(usual, field):
            raise TrainingError(
                f"a comparison does not take {option}: leave it out; it trains for "
                "--steps by each strategy that is named, keeps nothing but the curves, "
                "and has a folder for these with --run-folder"
            )


def run(parsed: argparse.Namespace) -> int:
    """Trains, prints a line for each strategy, and draws."""
    for name in parsed.strategies:
        strategy_of(name)
    options = options_of(parsed)
    check_options(options)
    check_picture(parsed.plot)
    if options.steps is None:
        options = replace(options, steps=300)
    if parsed.json:
        options = replace(options, verbose=0)
    results = compare(
        parsed.strategies, options, slow_seconds=parsed.slow_worker / 1000
    )
    if parsed.plot:
        from training.compare.plot import plot

        plot(results, parsed.plot)
    if parsed.json:
        json.dump([result.to_json() for result in results], sys.stdout)
        print()
        return 0
    for result in results:
        print(result.summary())
    if parsed.plot:
        print(f"drawn: {parsed.plot}")
    return 0
