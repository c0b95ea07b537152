# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The global names of an artifact, which no other artifact may have."""

from __future__ import annotations

from collections.abc import Sequence

from tfnative_aot.program.program import Program

NAMES_HEADER = "names.h"
"""File in which the artifact's global names are: see ``emit_names``."""


def run_function(program: Program) -> str:
    """Name of the C function of a variant."""
    return f"tfn_run_{program.key.symbol}"


def emit_names(name: str, programs: Sequence[Program], *, weights_apart: bool) -> str:
    """The header that every emitted source begins with.

    Global names get the artifact's, so that many artifacts can be linked into one
    program.
    """
    names = ["tfn_weights", "tfn_manifest", "tfn_bound_weights"]
    for program in programs:
        names += [run_function(program), f"{run_function(program)}_steps"]
    lines = [f"#define {each} {name}_{each}" for each in names]
    if weights_apart:
        lines.append("#define TFN_WEIGHTS_APART")
    return "\n".join(lines) + "\n"
