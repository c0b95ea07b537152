# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative selftest`."""

from __future__ import annotations

import argparse
import dataclasses
import math
from typing import TYPE_CHECKING

from tfnative._cli.common import (
    FAILURE,
    add_command,
    add_json,
    print_json,
    print_table,
)
from tfnative._measure.selftest import selftest

if TYPE_CHECKING:
    from tfnative._cli.common import Commands


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands,
        "selftest",
        run,
        "replay recorded inputs and compare with TensorFlow's outputs",
        "  tfnative selftest build/digits\n",
    )
    parser.add_argument("artifact", help="folder of the artifact")
    parser.add_argument("--cpu", metavar="LEVEL", help="CPU level (default: all)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Fails if the artifact is not exact on this machine."""
    report = selftest(options.artifact, cpu_level=options.cpu)
    if options.json:
        checks = [
            {
                key: value if value == value and value != math.inf else None
                for key, value in dataclasses.asdict(check).items()
            }
            for check in report.checks
        ]
        content = dataclasses.asdict(report)
        print_json({**content, "checks": checks, "passed": report.passed})
    else:
        rows = [
            (
                check.signature,
                check.output,
                check.cpu_level,
                f"{check.max_rel_error:.1e}",
                f"{check.tolerance:.1e}",
                "passed" if check.passed else "FAILED",
            )
            for check in report.checks
        ]
        header = ("signature", "output", "CPU level", "rel. error", "allowed", "")
        print_table(header, rows)
        for level in report.skipped_cpu_levels:
            print(f"{level}: not tested, this CPU cannot run it")
        if not report.weights_intact:
            print(
                "FAILED: the weights are damaged, their digest is not the recorded one"
            )
        print(f"{report.name}: {'passed' if report.passed else 'FAILED'}")
    return 0 if report.passed else FAILURE
