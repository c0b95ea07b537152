# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact says of its steps: tfn_variant.steps in abi.h."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tfnative_aot.freeze.quantized import Product
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    CombinedSuppression,
    Convolution,
    Dot,
    Quantized,
    ReduceWindow,
    Step,
)
from tfnative_aot.program.traverse import children


def step_lines(program: Program) -> list[str]:
    """A line for each step, in the order in which the emitted C numbers them."""
    return list(_lines(program.steps, 0))


def _lines(steps: Sequence[Step], depth: int) -> Iterator[str]:
    for step in steps:
        source = step.source
        fields = (
            str(depth),
            kind(step),
            str(flops(step)),
            source.op_type,
            source.op_name or source.hlo,
        )
        yield "\t".join(field.replace("\t", " ") for field in fields)
        for nested in children(step):
            yield from _lines(nested, depth + 1)


def kind(step: Step) -> str:
    """What kind of step it is, for people."""
    if isinstance(step, Convolution) and step.kernel not in ("any", "packed"):
        return f"{step.kernel} convolution"
    if isinstance(step, ReduceWindow):
        return "reduction"
    if isinstance(step, CombinedSuppression):
        return "suppression"
    if isinstance(step, Quantized):
        return f"int8 {getattr(step.call, 'kind', 'product')}"
    return type(step).__name__.lower()


def flops(step: Step) -> int:
    """Floating-point operations of a step itself; 0 if they are not known.

    An addition and a multiplication count as two, whatever algorithm computes them.
    """
    if isinstance(step, Dot):
        return 2 * step.batch * step.m * step.n * step.k
    if isinstance(step, Convolution):
        per_output = math.prod(step.kernel_size) * step.in_channels // step.groups
        outputs = step.batch * math.prod(step.out_size) * step.out_channels
        return 2 * outputs * per_output
    if isinstance(step, Quantized):
        if not isinstance(step.call, Product):
            return step.rows * step.call.out_elements
        per_output = math.prod(step.call.weights.shape[:3])
        return 2 * step.rows * step.call.out_elements * per_output
    if isinstance(step, ReduceWindow):
        results = step.batch * step.channels * math.prod(step.out_size)
        return results * math.prod(step.kernel_size)
    return 0
