# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training``: the table of subcommands, and what errors become.

A subcommand is a module of this package with two functions: ``add(parsers)`` makes
its parser and returns it; ``run(options)`` does the work and returns the exit code.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Sequence

import training
from training.errors import TrainingError

COMMANDS = (
    *("fit", "compare", "export", "check", "data", "feed"),
    *("replicas", "timeline", "ops", "jit", "manifests"),
)
"""Modules of this package, in the order in which ``--help`` shows them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand.

    Returns:
        0 if it is done, 1 after an error that standard error names in one line.
        Wrong usage raises SystemExit(2), as argparse does.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options = make_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except TrainingError as error:
        # What others said, which the message quotes, may have had several lines.
        line = re.sub(r"\s*\n\s*", " ", str(error).strip())
        print(f"training: {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("training: interrupted", file=sys.stderr)
        return 130
    return code


def make_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands."""
    parser = argparse.ArgumentParser(
        prog="python -m training", description=(training.__doc__ or "").splitlines()[0]
    )
    parsers = parser.add_subparsers(metavar="SUBCOMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"training.cli.{name.replace('-', '_')}")
        module.add(parsers).set_defaults(run=module.run)
    return parser
