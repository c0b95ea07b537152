# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative targets`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._cli.common import add_command, add_json, print_json, print_table
from tfnative._compile.targets import targets

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative targets
  tfnative targets --json
  tfnative compile saved_models/digits -o build/digits-pi --target linux-aarch64
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "targets", run, "list what models can be compiled for", _EXAMPLES
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Lists targets, with what this machine makes for them, and whether it runs it."""
    found = targets()
    if options.json:
        print_json([dataclasses.asdict(target) for target in found])
        return 0
    rows = [
        (
            target.name,
            ", ".join(target.cpu_levels),
            ", ".join(target.makes),
            target.compiler and _short(target.compiler),
            Path(target.runs).name,
        )
        for target in found
    ]
    print_table(("target", "CPU levels", "makes", "compiler", "runs"), rows)
    for target in found:
        if target.missing:
            print(f"\n{target.missing}")
    return 0


def _short(command: str) -> str:
    """Without folders: "python -m ziglang cc"."""
    return " ".join(Path(word).name for word in command.split())
