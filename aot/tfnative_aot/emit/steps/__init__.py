# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The C of the steps: a function for each kind, in a file for each family.

A new kind of step needs an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tfnative_aot.emit.steps.body import Body
from tfnative_aot.emit.steps.calls import emit_copy, emit_kernel, emit_sort, emit_topk
from tfnative_aot.emit.steps.control_flow import emit_call, emit_conditional, emit_while
from tfnative_aot.emit.steps.detection import (
    emit_combined_suppression,
    emit_suppression,
)
from tfnative_aot.emit.steps.products import (
    emit_convolution,
    emit_dot,
    emit_reduce_window,
)
from tfnative_aot.emit.steps.quantized import emit_quantized
from tfnative_aot.program.steps import (
    Call,
    CombinedSuppression,
    Conditional,
    Convolution,
    Copy,
    Dot,
    Kernel,
    Quantized,
    ReduceWindow,
    Sort,
    Step,
    Suppression,
    TopK,
    While,
)

EMITTERS: Mapping[type[Any], Callable[[Body, Any, int], None]] = {
    Kernel: emit_kernel,
    Dot: emit_dot,
    Convolution: emit_convolution,
    ReduceWindow: emit_reduce_window,
    Copy: emit_copy,
    While: emit_while,
    Conditional: emit_conditional,
    Call: emit_call,
    Sort: emit_sort,
    TopK: emit_topk,
    CombinedSuppression: emit_combined_suppression,
    Suppression: emit_suppression,
    Quantized: emit_quantized,
}
"""By the type of the step."""


def emit_step(body: Body, step: Step, depth: int) -> None:
    """Adds a step, and those nested in it, to the body of a function."""
    EMITTERS[type(step)](body, step, depth)
