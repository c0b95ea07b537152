# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training export``: a SavedModel of the weights in a checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from training.cli.fit import add_data_options, said
from training.fit import export_checkpoint
from training.options import FitOptions


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser: how a model was trained, a checkpoint need not be told."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "export",
        help="export the last checkpoint, without training",
        description="Exports the last checkpoint of fit, by whatever strategy and in "
        "whatever precision it was trained.",
    )
    add = parser.add_argument
    add(
        "--checkpoints", type=Path, required=True, help="the folder that fit wrote them"
    )
    add("--output", type=Path, required=True, help="folder for the SavedModel")
    add("--overwrite", action="store_true", help="replace a SavedModel that is there")
    add_data_options(parser)
    add("--json", action="store_true", help="the summary as JSON")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Exports, and prints the accuracy on held-out rows."""
    options = FitOptions(
        model=parsed.model,
        data=parsed.data,
        data_folder=parsed.data_folder,
        checkpoints=parsed.checkpoints,
        output=parsed.output,
        overwrite=parsed.overwrite,
        reading={"skip_corrupt": parsed.skip_corrupt},
    )
    print(said(export_checkpoint(options), as_json=parsed.json))
    return 0
