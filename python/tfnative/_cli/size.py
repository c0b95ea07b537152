# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative size`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._base.regular_file import read_regular
from tfnative._cli.common import add_command, add_json, print_json, print_table
from tfnative.errors import LoadError, NotFoundError
from tfnative.manifest import Manifest

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative size build/digits
  tfnative size build/digits --json
"""
_MEANING = {
    "weights": "constants of all variants, one copy",
    "kernels": "products, convolutions, pooling: ours",
    "xla": "what XLA compiled",
    "programs": "what calls them",
    "tables": "parameters of kernels, tensors",
    "strings": "names, the manifest, constants of code",
    "linking": "symbols, relocations, padding",
}


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands,
        "size",
        run,
        "show what each part of a compiled model costs",
        _EXAMPLES,
    )
    parser.add_argument("artifact", help="folder of the artifact")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Shows the parts of the library, and the files."""
    folder = Path(options.artifact)
    try:
        manifest = Manifest.from_json(read_regular(folder / "manifest.json").decode())
    except OSError as error:
        raise NotFoundError(f"{folder} is no artifact: {error}") from error
    parts = _parts(folder)
    files = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    if options.json:
        print_json({"library": parts, "files": files})
        return 0
    if parts:
        total = sum(parts.values())
        print(f"{manifest.library}: {total:,} bytes")
        rows = [
            (name, f"{size:,}", f"{size / total:.1%}", _MEANING.get(name, ""))
            for name, size in parts.items()
        ]
        print_table(("part", "bytes", "share", ""), rows)
        print()
    print_table(("file", "bytes"), [(n, f"{size:,}") for n, size in files.items()])
    return 0


def _parts(folder: Path) -> dict[str, int]:
    """Of the library; empty where they were not measured: on other systems than Linux.

    Raises:
        LoadError: What was measured cannot be read.
    """
    path = folder / "sizes.json"
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
        return {str(name): int(size) for name, size in content["library"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoadError(f"cannot read {path}: {error}") from error
