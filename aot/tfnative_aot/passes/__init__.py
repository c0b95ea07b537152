# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Program to program: each pass is a pure function in a module of its own."""

from tfnative_aot.passes.assign_memory import assign_memory
from tfnative_aot.passes.fuse_epilogues import fuse_epilogues
from tfnative_aot.passes.pack_weights import pack_weights
from tfnative_aot.passes.separate_values import separate_values
from tfnative_aot.program import Program

PASSES = (pack_weights, separate_values, fuse_epilogues, assign_memory)
"""In the order in which they run."""


def run_passes(program: Program) -> Program:
    """What is emitted, from what XLA compiled."""
    for run in PASSES:
        program = run(program)
    return program


__all__ = ["PASSES", "run_passes"]
