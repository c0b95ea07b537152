# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative wheel`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tfnative._cli.common import add_command, add_json, format_bytes, print_json

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative wheel build/digits -o dist --name digits_model --version 1.0.0
  pip install dist/digits_model-1.0.0-*.whl
  python -c "import digits_model; print(digits_model.selftest().passed)"

A wheel of the same name, version and platform is replaced.
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands,
        "wheel",
        run,
        "make a wheel of a compiled model, for pip to install",
        _EXAMPLES,
    )
    parser.add_argument("artifact", help="folder of a compiled model, for any machine")
    parser.add_argument(
        "-o",
        "--output",
        default=".",
        metavar="DIR",
        help="folder to write it to (default: the current one)",
    )
    parser.add_argument(
        "--name",
        help="what pip calls it, and, with _ for - and ., what Python imports "
        "(default: the model's name)",
    )
    parser.add_argument(
        "--version", default="1.0.0", help="version of the model (default: 1.0.0)"
    )
    parser.add_argument(
        "--summary",
        metavar="TEXT",
        help="what the model is for, in a line (default: that it is a model)",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Writes the wheel and says where it is."""
    from tfnative._wheel.make import make_wheel

    wheel = make_wheel(
        options.artifact,
        options.output,
        name=options.name,
        version=options.version,
        summary=options.summary,
    )
    if options.json:
        print_json(
            {
                "path": str(wheel.path),
                "name": wheel.name,
                "package": wheel.package,
                "version": wheel.version,
                "tag": wheel.tag,
                "requires": list(wheel.requires),
                "size_bytes": wheel.size_bytes,
            }
        )
        return 0
    print(f"{wheel.path}: {format_bytes(wheel.size_bytes)}")
    print(f"import {wheel.package}; needs {', '.join(wheel.requires)}")
    return 0
