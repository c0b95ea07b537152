# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What each part of an artifact's library costs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tfnative_aot.machines.object_content import Symbol
from tfnative_aot.machines.object_file import parse

SIZES_FILE = "sizes.json"

_KERNEL = re.compile(r"tfn_[A-Za-z0-9_]*?_[0-9a-f]{8}_")
"""How names of our kernels begin: with the CPU level, and their digest."""


def measure(
    unstripped: Path, library: Path, *, weights_bytes: int, manifest_bytes: int
) -> dict[str, int]:
    """Bytes of a shared library, by what they are for; they add up to its size.

    Args:
        unstripped: The library with all its symbols (ELF).
        library: As it is shipped.
        weights_bytes: Of the weights in it.
        manifest_bytes: Of the manifest in it.

    Returns:
        "weights"; "kernels", ours; "xla", XLA's code; "programs", what calls them;
        "tables" of parameters and tensors; "strings", names and the manifest, with
        constants of the code; "linking", symbols, relocations and padding.
    """
    content = parse(unstripped)
    found: Counter[str] = Counter()
    in_constants = 0
    for symbol in {(s.section, s.value, s.size): s for s in content.symbols}.values():
        if symbol.section is None or not symbol.size:
            continue
        section = content.sections[symbol.section].name
        if section.startswith((".text", ".rodata", ".data")):
            found[_part(symbol)] += symbol.size
            in_constants += symbol.size if section.startswith(".rodata") else 0
    constants = sum(
        section.size
        for section in content.sections
        if section.name.startswith((".rodata", ".lrodata"))
    )
    found["weights"] = weights_bytes
    found["strings"] += max(constants - in_constants, manifest_bytes)
    found["linking"] = library.stat().st_size - found.total()
    return {name: found[name] for name in _PARTS}


_PARTS = ("weights", "kernels", "xla", "programs", "tables", "strings", "linking")


def _part(symbol: Symbol) -> str:
    name = symbol.name
    if _KERNEL.search(name):
        return "kernels"
    if "tfcompile_xla_generated" in name or name.startswith(".LCPI"):
        return "xla"
    if name.endswith("_steps"):
        return "strings"
    if "_tfn_run_" in name:
        return "programs"
    return "tables"


def write_sizes(folder: Path, parts: Mapping[str, int]) -> None:
    """Writes them beside the library."""
    text = json.dumps({"library": dict(parts)}, indent=2)
    (folder / SIZES_FILE).write_text(text + "\n")
