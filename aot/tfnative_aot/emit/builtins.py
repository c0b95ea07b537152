# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Brings the functions that XLA's code calls and compilers may not have."""

from __future__ import annotations

from collections.abc import Sequence

from tfnative_aot.machines.object_file import undefined_symbols
from tfnative_aot.program.program import Program

BUILTINS = frozenset(
    {
        "__aeabi_d2h",
        "__extendhfsf2",
        "__truncdfbf2",
        "__truncdfhf2",
        "__truncsfbf2",
        "__truncsfhf2",
        "roundeven",
        "roundevenf",
        "sincos",
        "sincosf",
    }
)
"""Those that ``builtins.h`` has, some of them for one system only."""


def emit_builtins(programs: Sequence[Program]) -> str:
    """C that defines what the programs' objects need of ``builtins.h``, or ""."""
    objects = {program.object_file for program in programs}
    needed = {name for path in objects for name in undefined_symbols(path)}
    asked = [f"#define TFN_NEEDS_{name}\n" for name in sorted(needed & BUILTINS)]
    return "".join([*asked, '#include "builtins.h"\n']) if asked else ""
