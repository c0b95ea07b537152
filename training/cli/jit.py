# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training jit``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training import data, models
from training.cli.numbers import natural, positive
from training.observe.jit import compare_jit
from training.options import FitOptions


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "jit", help="train without XLA, with its clusters, and with whole steps"
    )
    add = parser.add_argument
    add("--model", choices=models.NAMES, default="cnn", help="the network")
    add("--data", choices=data.NAMES, default="digits", help="the data set")
    add("--data-folder", metavar="FOLDER", help="where the data's files are")
    add("--batch-size", type=positive, default=32, help="rows a step")
    add("--steps", type=positive, default=50, help="steps of each training")
    add("--seed", type=natural, default=7, help="of weights and order")
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
    options = FitOptions(
        model=parsed.model,
        data=parsed.data,
        data_folder=parsed.data_folder,
        batch_size=parsed.batch_size,
        steps=parsed.steps,
        seed=parsed.seed,
    )
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
