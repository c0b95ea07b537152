# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Steps that our f32 kernels compute: products, convolutions and reductions."""

from __future__ import annotations

from collections.abc import Sequence

from tfnative_aot.emit.step_table import flops
from tfnative_aot.emit.steps.body import Body
from tfnative_aot.emit.steps.literals import (
    braces,
    epilogue_field,
    float_literal,
    matrix_literal,
)
from tfnative_aot.program.memory import Buffer
from tfnative_aot.program.steps import Convolution, Dot, ReduceWindow

_FEWEST_SHARED_FLOPS = 500_000
"""Less work takes less time than waking a thread for it."""


def emit_dot(body: Body, step: Dot, depth: int) -> None:
    """A product: of ours for floats, of plain loops for other types."""
    matrices = (step.lhs_matrix, step.rhs_matrix, step.out_matrix)
    fields = [
        f".batch = {step.batch}, .m = {step.m}, .n = {step.n}, .k = {step.k},",
        ", ".join(
            f".{name} = {matrix_literal(matrix)}"
            for name, matrix in zip(("lhs", "rhs", "out"), matrices, strict=True)
        )
        + ",",
        epilogue_field(step.epilogue),
    ]
    buffers = (step.lhs, step.rhs, step.out)
    if step.dtype != "f32":
        operands = [body.buffer(buffer) for buffer in buffers]
        kernel = f"TFN_KERNEL(matmul_any_{step.dtype})"
        body.call_with_parameters("tfn_matmul", fields, kernel, operands, depth)
    else:
        stored = step.rhs.shape.dtype
        kernel = f"matmul_packed_{stored}" if step.packed else "matmul_f32"
        if step.in_int8:
            kernel = "matmul_int8_dynamic"
        _call_f32_kernel(body, "tfn_matmul", fields, kernel, step, depth)


def emit_convolution(body: Body, step: Convolution, depth: int) -> None:
    """A convolution, by the kernel that was chosen for it."""
    fields = [
        f".batch = {step.batch}, .in_channels = {step.in_channels},",
        f".out_channels = {step.out_channels}, .groups = {step.groups},",
        f".in = {braces(step.in_size)}, .out = {braces(step.out_size)},",
        f".kernel = {braces(step.kernel_size)}, .stride = {braces(step.stride)},",
        f".padding_low = {braces(step.padding_low)},",
        f".base_dilation = {braces(step.base_dilation)},",
        f".window_dilation = {braces(step.window_dilation)},",
        epilogue_field(step.epilogue),
    ]
    if step.kernel == "any":
        buffers = (step.lhs, step.rhs, step.out)
        operands = [body.buffer(buffer) for buffer in buffers]
        kernel = f"TFN_KERNEL(conv_any_{step.dtype})"
        body.call_with_parameters("tfn_conv", fields, kernel, operands, depth)
        return
    kernel = {
        "depthwise": "conv_depthwise_f32",
        "winograd": "conv_winograd_f32",
        "packed": f"conv_{step.rhs.shape.dtype}",
    }[step.kernel]
    _call_f32_kernel(body, "tfn_conv", fields, kernel, step, depth)


def emit_reduce_window(body: Body, step: ReduceWindow, depth: int) -> None:
    """Pooling, or a reduction."""
    fields = [
        f".operation = TFN_REDUCE_{step.operation.upper()},",
        f".init = {float_literal(step.init)}, .scale = {float_literal(step.scale)},",
        f".batch = {step.batch}, .channels = {step.channels},",
        f".in = {braces(step.in_size)}, .out = {braces(step.out_size)},",
        f".kernel = {braces(step.kernel_size)}, .stride = {braces(step.stride)},",
        f".padding_low = {braces(step.padding_low)},",
        f".window_dilation = {braces(step.window_dilation)}",
    ]
    kernel = "reduce_window_f32"
    _call_f32_kernel(body, "tfn_reduce_window", fields, kernel, step, depth)


def _call_f32_kernel(
    body: Body,
    struct: str,
    fields: Sequence[str],
    kernel: str,
    step: Dot | Convolution | ReduceWindow,
    depth: int,
) -> None:
    """A call of a tfn_f32_kernel with its parameters and operands."""
    parts: dict[str, Buffer | None] = {"lhs": step.lhs}
    if isinstance(step, Dot | Convolution):
        parts["rhs"] = step.rhs
        parts["bias"] = step.epilogue.bias
        parts["addend"] = step.epilogue.addend
        parts["scale"] = step.scale
    parts["out"] = step.out
    operands = [
        f".{name} = {body.buffer(buffer)}"
        for name, buffer in parts.items()
        if buffer is not None
    ]
    body.line(depth, "{")
    body.line(depth + 1, f"static const {struct} p = {{")
    for field in fields:
        body.line(depth + 3, field)
    body.line(depth + 1, "};")
    body.line(depth + 1, "const tfn_operands operands = {")
    for operand in operands:
        body.line(depth + 3, operand + ",")
    body.line(depth + 3, ".scratch = scratch};")
    call = f"TFN_KERNEL({kernel})"
    if flops(step) < _FEWEST_SHARED_FLOPS:
        body.line(depth + 1, f"{call}(&p, &operands, (tfn_part){{0, 1}});")
    else:
        body.line(depth + 1, f"tfn_share(context, {call}, &p, &operands,")
        body.line(depth + 5, f"{body.thread_bytes});")
    body.line(depth, "}")
