# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Program to program: each pass is a pure function in a module of its own."""

from tfnative_aot.program.passes.fuse_epilogues import fuse_epilogues
from tfnative_aot.program.passes.merge_reductions import merge_reductions
from tfnative_aot.program.passes.order_steps import order_steps
from tfnative_aot.program.passes.pack_quantized import pack_quantized
from tfnative_aot.program.passes.pack_weights import pack_weights
from tfnative_aot.program.passes.separate_values import separate_values
from tfnative_aot.program.passes.split_operands import split_operands
from tfnative_aot.program.passes.split_reductions import split_reductions
from tfnative_aot.program.passes.stored_weights import FLOATS, Weights
from tfnative_aot.program.passes.winograd import uses_winograd
from tfnative_aot.program.program import Program

__all__ = ["run_passes", "uses_winograd"]


def run_passes(
    program: Program, *, winograd: bool = True, weights: Weights = FLOATS
) -> Program:
    """What is emitted, from what XLA compiled; see ``pack_weights`` for the options."""
    packed = pack_quantized(pack_weights(program, winograd=winograd, weights=weights))
    separate = merge_reductions(split_operands(separate_values(packed)))
    return order_steps(split_reductions(separate, fuse_epilogues))
