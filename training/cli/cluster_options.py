# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Options of strategies whose members are processes."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.cli.numbers import few, rate
from training.options import BATCH_NORMS, FitOptions


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Who trains, and what is kept of it; the names are those of `FitOptions`."""
    defaults = FitOptions()
    add = parser.add_argument
    add(
        "--workers",
        type=few,
        help="processes that train, for strategies with a cluster (default: 2; with "
        "TF_CONFIG, as many as that names)",
    )
    add(
        "--ps",
        type=few,
        dest="servers",
        help="parameter servers, for strategies that have them (default: 1; with "
        "TF_CONFIG, as many as that names)",
    )
    add(
        "--join-seconds",
        type=rate,
        default=defaults.join_seconds,
        help="how long a member waits for the others to come (default: %(default)g)",
    )
    add(
        "--run-folder",
        type=Path,
        help="folder for the members' logs, their processes and what happened to them "
        "(default: a new one in build/training/runs)",
    )
    add(
        "--evaluator",
        action="store_true",
        help="have a process of its own validate the checkpoints",
    )
    add(
        "--evaluator-seconds",
        type=rate,
        help="how long the evaluator waits for a checkpoint (default: as long as the "
        "cluster that is started here trains; with TF_CONFIG, 3600)",
    )
    add(
        "--batch-norm",
        choices=BATCH_NORMS,
        default=defaults.batch_norm,
        help="whether replicas normalise their own rows, or all of a step together "
        "(default: %(default)s)",
    )
