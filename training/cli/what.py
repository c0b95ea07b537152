# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Options that say what is trained, for commands that measure how."""

from __future__ import annotations

import argparse

from training import data, models
from training.cli.numbers import natural, positive
from training.options import FitOptions


def add_what(
    parser: argparse.ArgumentParser, *, model: str = "cnn", seed: str = "weights"
) -> None:
    """Adds ``--model``, ``--data``, ``--data-folder`` and ``--seed``.

    Args:
        parser: To add them to.
        model: The default.
        seed: What the seed decides.
    """
    add = parser.add_argument
    add("--model", choices=models.NAMES, default=model, help="the network")
    add("--data", choices=data.NAMES, default="digits", help="the data set")
    add("--data-folder", metavar="FOLDER", help="where the data's files are")
    add("--seed", type=natural, default=7, help=f"of the {seed}")


def add_length(parser: argparse.ArgumentParser, *, rows: int, steps: str) -> None:
    """Adds ``--batch-size`` and ``--steps``.

    Args:
        parser: To add them to.
        rows: Of a step, by default.
        steps: Which steps are meant.
    """
    add = parser.add_argument
    add(
        "--batch-size",
        type=positive,
        default=rows,
        help="rows a step (default: %(default)s)",
    )
    add(
        "--steps",
        type=positive,
        default=50,
        help=f"steps {steps} (default: %(default)s)",
    )


def options_of_what(parsed: argparse.Namespace) -> FitOptions:
    """What both say, as `FitOptions`."""
    return FitOptions(
        model=parsed.model,
        data=parsed.data,
        data_folder=parsed.data_folder,
        batch_size=parsed.batch_size,
        steps=parsed.steps,
        seed=parsed.seed,
    )
