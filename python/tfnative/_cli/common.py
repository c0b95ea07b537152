# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the subcommands share."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tfnative._backends.load import load
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._model import Model

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


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Adds what says how a model is run: --backend, --device, --cpu."""
    parser.add_argument(
        "--backend",
        choices=("native", "auto", "tensorflow"),
        help="what runs it: compiled code (default), which a SavedModel is compiled to "
        "with auto if possible; or TensorFlow, which needs a SavedModel",
    )
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="for TensorFlow: cpu, gpu, gpu:1 (default: any)",
    )
    parser.add_argument(
        "--cpu",
        metavar="LEVEL",
        help="CPU level of compiled code (default: the best that runs here)",
    )


def open_model(options: argparse.Namespace, threads: int = 1) -> Model:
    """The model at ``options.model``, as ``add_backend``'s options say.

    Raises:
        Error: As ``load``.
    """
    return load(
        options.model,
        backend=options.backend,
        cpu_level=options.cpu,
        threads=threads,
        device=options.device,
    )


def print_json(content: object) -> None:
    """Prints a value as JSON."""
    print(json.dumps(content, indent=2))


def require_folder(path: str | os.PathLike[str]) -> None:
    """For what writes a file after long work: that it can, as far as one can tell.

    Raises:
        InvalidArgumentError: The file's folder does not exist, or is not one to write
            to; or the file is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise InvalidArgumentError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise InvalidArgumentError(
            f"cannot write {path}: there is no folder {path.parent}"
        )
    if not os.access(path.parent, os.W_OK):
        raise InvalidArgumentError(
            f"cannot write {path}: {path.parent} cannot be written to"
        )


def write_file(
    path: str | os.PathLike[str], write: Callable[[IO[bytes]], object]
) -> None:
    """Writes a file beside its place and moves it there.

    Raises:
        InvalidArgumentError: It cannot be written there.
    """
    path = Path(path)
    try:
        descriptor, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}-"
        )
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InvalidArgumentError(f"cannot write {path}: {error}") from error


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
