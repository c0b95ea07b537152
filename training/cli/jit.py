# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training jit``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.begin import check_what
from training.cli.what import add_length, add_what, options_of_what
from training.files import check_folder
from training.observe.jit import compare_jit


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "jit", help="train without XLA, with its clusters, and with whole steps"
    )
    add = parser.add_argument
    add_what(parser, seed="weights and the order")
    add_length(parser, rows=32, steps="of each training")
    add(
        "--hlo",
        type=Path,
        metavar="FOLDER",
        help="write XLA's programs of a step before and after fusion, as text and SVG",
    )
    add("--json", action="store_true", help="the table as JSON")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Trains three times, and prints the table."""
    if parsed.hlo:
        check_folder(parsed.hlo, "--hlo")
    options = options_of_what(parsed)
    check_what(options)
    trials = compare_jit(options, parsed.hlo)
    if parsed.json:
        print(json.dumps([asdict(trial) for trial in trials]))
        return 0
    print("jit   ms a step  to compile, ms  memory, MB    loss")
    for trial in trials:
        print(
            f"{trial.jit:4} {trial.step_ms:10.2f} {trial.first_ms:15.0f} "
            f"{trial.memory_mb:11.1f} {trial.loss:7.4f}"
        )
    if parsed.hlo:
        names = trials[-1].fusions
        print(f"written: {parsed.hlo}, with {len(names)} fusions:")
        for name in names:
            print(f"  {name}")
    return 0
