# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Steps that are one call: of XLA's code, of a copy, of sorting."""

from __future__ import annotations

from tfnative_aot.emit.steps.body import Body
from tfnative_aot.emit.steps.literals import braces
from tfnative_aot.program.steps import Copy, Kernel, Sort, TopK


def emit_kernel(body: Body, step: Kernel, depth: int) -> None:
    """A call of code that XLA compiled."""
    x, y, z = step.workgroups
    buffers = step.arguments + step.results
    arguments = [f"{{{body.buffer(b)}, {b.slice.size}}}" for b in buffers]
    body.line(depth, f"TFN_CALL({body.step_number}, {step.symbol}, {x}, {y}, {z},")
    for number, argument in enumerate(arguments, 1):
        end = ");" if number == len(arguments) else ","
        body.line(depth + 2, argument + end)


def emit_copy(body: Body, step: Copy, depth: int) -> None:
    """A copy, element by element where the memory order changes."""
    dst, src = body.buffer(step.dst), body.buffer(step.src)
    shape, target = step.src.shape, step.dst.shape
    if shape.minor_to_major == target.minor_to_major or shape.elements <= 1:
        body.line(depth, f"memcpy({dst}, {src}, {step.src.slice.size});")
        return
    rank = len(shape.dims)
    fields = [
        f".rank = {rank}, .element_bytes = {shape.element_bytes},",
        f".dims = {braces(shape.dims)},",
        f".src_strides = {braces(shape.strides)},",
        f".dst_strides = {braces(target.strides)}",
    ]
    body.call_with_parameters(
        "tfn_strided_copy", fields, "tfn_copy_strided", [src, dst], depth
    )


def emit_sort(body: Body, step: Sort, depth: int) -> None:
    """Sorting with a comparator that XLA compiled."""
    count = len(step.arrays)
    sizes = [buffer.shape.element_bytes for buffer in step.arrays]
    body.line(depth, "{")
    body.line(depth + 1, f"static const int32_t element_bytes[] = {braces(sizes)};")
    body.line(
        depth + 1,
        f"static const tfn_sort p = {{.outer = {step.outer}, "
        f".length = {step.length}, .inner = {step.inner}, .count = {count}, "
        ".element_bytes = element_bytes};",
    )
    arrays = ", ".join(body.buffer(buffer) for buffer in step.arrays)
    body.line(depth + 1, f"void* const arrays[] = {{{arrays}}};")
    body.line(depth + 1, f"TFN_KERNEL(sort)(&p, arrays, {step.comparator}, scratch);")
    body.line(depth, "}")


def emit_topk(body: Body, step: TopK, depth: int) -> None:
    """The largest of each row."""
    places = (step.values, step.out_values, step.out_indices)
    pointers = ", ".join(body.pointer(p) if p else "NULL" for p in places)
    body.line(
        depth,
        f"TFN_KERNEL(topk_f32)({step.batch}, {step.length}, {step.k}, {pointers}, "
        "scratch);",
    )
