# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the subcommands share."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

FAILURE = 1
USAGE = 2


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


def whole_numbers(text: str) -> list[int]:
    """Parses "1,8,32"."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of whole numbers, as in 1,8,32"
        ) from None


def words(text: str) -> list[str]:
    """Parses "a,b"."""
    return [part.strip() for part in text.split(",") if part.strip()]


def format_bytes(count: float) -> str:
    """As "1.2 MB"."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def format_shape(shape: Sequence[int]) -> str:
    """As "(rows, 8, 8, 1)"."""
    sizes = ["rows" if size == -1 else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
