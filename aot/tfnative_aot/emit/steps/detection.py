# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Steps that choose among boxes."""

from __future__ import annotations

from tfnative_aot.emit.steps.body import Body
from tfnative_aot.program.steps import CombinedSuppression, Suppression

_FEWEST_SHARED_SCORES = 20_000
"""Fewer are looked at in less time than a thread needs to wake."""


def emit_combined_suppression(
    body: Body, step: CombinedSuppression, depth: int
) -> None:
    """The best boxes of each class, and then of all."""
    rows, values = body.pointer(step.rows), body.pointer(step.values)
    body.line(depth, "{")
    body.line(depth + 1, "static const tfn_combined_nms p = {")
    body.line(
        depth + 3,
        f".batch = {step.batch}, .boxes = {step.boxes}, "
        f".box_classes = {step.box_classes},",
    )
    body.line(
        depth + 3,
        f".classes = {step.classes}, .per_class = {step.per_class}, "
        f".size = {step.size}, .clip = {int(step.clip)}",
    )
    body.line(depth + 1, "};")
    body.line(depth + 1, "const tfn_operands operands = {")
    body.line(depth + 3, f".lhs = {rows}, .out = {values}, .scratch = scratch}};")
    call = "TFN_KERNEL(suppress_by_class_f32)"
    if step.batch * step.boxes * step.classes < _FEWEST_SHARED_SCORES:
        body.line(depth + 1, f"{call}(&p, &operands, (tfn_part){{0, 1}});")
    else:
        body.line(depth + 1, f"tfn_share(context, {call}, &p, &operands,")
        body.line(depth + 5, f"{body.thread_bytes});")
    counts = body.pointer(step.counts)
    body.line(
        depth + 1,
        f"TFN_KERNEL(join_classes_f32)(&p, {rows}, {values}, {counts}, scratch);",
    )
    body.line(depth, "}")


def emit_suppression(body: Body, step: Suppression, depth: int) -> None:
    """The best boxes."""
    fields = [f".boxes = {step.boxes}, .size = {step.size}"]
    places = (step.given, step.scores, step.found)
    operands = [*map(body.pointer, places), "expf", "scratch"]
    body.call_with_parameters("tfn_nms", fields, "TFN_KERNEL(nms_f32)", operands, depth)
