# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the subcommands share."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tfnative._backends.options import LoadOptions
from tfnative._base.options.flags import UsageError, add_flags, given_flags
from tfnative._base.output_file import require_folder, write_file
from tfnative._base.units import format_bytes, format_shape
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

FAILURE = 1
USAGE = 2

__all__ = [
    "FAILURE",
    "USAGE",
    "UsageError",
    "format_bytes",
    "require_folder",
    "write_file",
]


def add_command(
    commands: Commands,
    name: str,
    function: Callable[[argparse.Namespace], int],
    description: str,
    examples: str,
) -> argparse.ArgumentParser:
    """Adds a subcommand with examples below its help."""
    parser = commands.add_parser(
        name,
        help=description,
        description=description[0].upper() + description[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(function=function, parser=parser)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds --json."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def add_backend(parser: argparse.ArgumentParser, *more: str) -> None:
    """Adds what says how a model is run: --backend, --device, --cpu, and more of it."""
    add_flags(parser, LoadOptions, ("backend", "device", "cpu_level", *more))


def load_options(options: argparse.Namespace) -> LoadOptions:
    """What was said with flags of ``LoadOptions``.

    Raises:
        UsageError: One is not of its kind, or two contradict each other.
    """
    given = given_flags(LoadOptions, options)
    try:
        return LoadOptions(**given)
    except InvalidArgumentError as error:
        raise UsageError(str(error)) from None


def print_json(content: object) -> None:
    """Prints a value as JSON."""
    print(json.dumps(content, indent=2))


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints aligned columns; numbers to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    numeric = [
        bool(column) and all(_is_number(cell) for cell in column)
        for column in (list(zip(*texts, strict=True)) or [()] * len(header))
    ]
    for row in (list(header), *texts):
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        print("  ".join(cells).rstrip())


def print_tensors(rows: Iterable[tuple[str, str, str, Sequence[int] | None]]) -> None:
    """Prints inputs and outputs: which of the two, name, type and shape of each."""
    print_table(
        ("", "name", "dtype", "shape"),
        [(kind, name, dtype, format_shape(shape)) for kind, name, dtype, shape in rows],
    )


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
