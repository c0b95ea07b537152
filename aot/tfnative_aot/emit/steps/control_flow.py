# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Steps that run others: loops, branches and calls."""

from __future__ import annotations

from tfnative_aot.emit.steps.body import Body
from tfnative_aot.program.steps import Call, Conditional, While


def emit_while(body: Body, step: While, depth: int) -> None:
    """A loop, which counts or asks."""
    if step.trip_count is not None:
        i = f"i{body.step_number}"
        body.line(depth, f"for (int64_t {i} = 0; {i} < {step.trip_count}; ++{i}) {{")
        body.sequence(step.body, depth + 1)
    else:
        body.line(depth, "for (;;) {")
        body.sequence(step.condition, depth + 1)
        flag = body.pointer(step.condition_buffer)
        body.line(depth + 1, f"if (!*(const char*){flag}) break;")
        body.sequence(step.body, depth + 1)
    body.line(depth, "}")


def emit_conditional(body: Body, step: Conditional, depth: int) -> None:
    """A switch."""
    pointer = body.pointer(step.index)
    if step.index.size == 1:
        value = f"*(const char*){pointer} ? 0 : 1"
    else:
        value = f"*(const int32_t*){pointer}"
    body.line(depth, f"switch ({value}) {{")
    last = len(step.branches) - 1
    for number, branch in enumerate(step.branches):
        label = "default" if number == last else f"case {number}"
        body.line(depth + 1, f"{label}: {{")
        body.sequence(branch, depth + 2)
        body.line(depth + 2, "break;")
        body.line(depth + 1, "}")
    body.line(depth, "}")


def emit_call(body: Body, step: Call, depth: int) -> None:
    """The steps themselves, in the place of a call."""
    body.sequence(step.steps, depth)
