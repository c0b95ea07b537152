# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training export``: a SavedModel of the weights in a checkpoint."""

from __future__ import annotations

import argparse
from typing import Any

from training.cli.fit import add_options, options_of
from training.fit import export_checkpoint


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "export", help="export the last checkpoint, without training"
    )
    add_options(parser)
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Exports, and prints the accuracy on held-out rows."""
    print(export_checkpoint(options_of(parsed)).summary())
    return 0
