# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Steps that the kernels of quantized.h compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tfnative_aot.emit.step_table import flops
from tfnative_aot.emit.steps.body import Body
from tfnative_aot.emit.steps.literals import braces, float_literal
from tfnative_aot.freeze.quantized import (
    Binary,
    Pool,
    Product,
    Requantize,
    Unary,
    Window,
    words,
)
from tfnative_aot.program.steps import Quantized

_FEWEST_SHARED_WORK = 2_000_000
"""Less work takes less time than waking a thread for it."""

_INPUTS = ("lhs", "addend")


def emit_quantized(body: Body, step: Quantized, depth: int) -> None:
    """A call of a kernel with its parameters and operands."""
    joined = len(step.inputs) < len(step.call.in_elements)
    struct, kernel, fields = _PARAMETERS[type(step.call)](
        step, 1 if joined else step.rows
    )
    body.line(depth, "{")
    table = _table(step)
    if table is not None:
        body.line(depth + 1, "static const uint8_t table[256] = {")
        for begin in range(0, len(table), 16):
            line = ", ".join(map(str, table[begin : begin + 16]))
            body.line(depth + 3, line + ("," if begin + 16 < len(table) else "};"))
    body.line(depth + 1, f"static const {struct} p = {{")
    for field in fields:
        body.line(depth + 3, field)
    body.line(depth + 1, "};")
    call = f"TFN_KERNEL({kernel})"
    if joined:
        _call_row_by_row(body, step, call, depth + 1)
    else:
        _operands(body, step, [body.pointer(place) for place in step.inputs], depth + 1)
        _call(body, step, call, depth + 1)
    body.line(depth, "}")


def _call_row_by_row(body: Body, step: Quantized, call: str, depth: int) -> None:
    """Of operands side by side, each row of the one is followed by one of the other."""
    first, second = (4 * words(elements) for elements in step.call.in_elements)
    given = f"(const char*){body.pointer(step.inputs[0])} + {first + second} * row"
    body.line(depth, f"for (int64_t row = 0; row < {step.rows}; ++row) {{")
    begins = [f"(void*)({given})", f"(void*)({given} + {first})"]
    _operands(body, step, begins, depth + 1, row=True)
    body.line(depth + 1, f"{call}(&p, &operands, (tfn_part){{0, 1}});")
    body.line(depth, "}")


def _operands(
    body: Body, step: Quantized, inputs: Sequence[str], depth: int, *, row: bool = False
) -> None:
    out = body.pointer(step.out)
    if row:
        out = f"(void*)((char*){out} + {4 * words(step.call.out_elements)} * row)"
    operands = [f".{n} = {place}," for n, place in zip(_INPUTS, inputs, strict=False)]
    if step.weights is not None:
        operands.append(f".rhs = {body.pointer(step.weights)},")
    operands.append(f".out = {out}, .scratch = scratch}};")
    body.line(depth, "const tfn_operands operands = {")
    for operand in operands:
        body.line(depth + 2, operand)


def _call(body: Body, step: Quantized, call: str, depth: int) -> None:
    if flops(step) < _FEWEST_SHARED_WORK:
        body.line(depth, f"{call}(&p, &operands, (tfn_part){{0, 1}});")
    else:
        body.line(depth, f"tfn_share(context, {call}, &p, &operands,")
        body.line(depth + 4, f"{body.thread_bytes});")


def _table(step: Quantized) -> bytes | None:
    result = getattr(step.call, "result", None)
    return None if result is None else result.table


def _product(step: Quantized, rows: int) -> tuple[str, str, Sequence[str]]:
    call = step.call
    assert isinstance(call, Product)
    low, high = (float_literal(bound) for bound in (call.low, call.high))
    fields = [
        ".conv = {",
        f"    .batch = {rows}, .in_channels = {call.in_channels},",
        f"    .out_channels = {call.out_channels}, .groups = {call.groups},",
        *(f"    {line}," for line in _window(call.window)),
        "    .base_dilation = {1, 1, 1},",
        f"    .window_dilation = {braces(call.window.dilation)},",
        f"    .epilogue = {{TFN_LINEAR, {low}, {high}}}}},",
        f".input_zero = {call.input_zero},",
    ]
    if call.addend is not None:
        scale = float_literal(call.addend.scale)
        fields.append(
            f".addend_zero = {call.addend.zero}, .addend_scale = {scale},",
        )
    if call.result is None:
        return "tfn_conv_int8", "conv_int8_to_f32", fields
    fields.append(_result(call.result))
    name = "conv_depthwise_int8" if call.has_depthwise_kernel else "conv_int8"
    return "tfn_conv_int8", name, fields


def _binary(step: Quantized, rows: int) -> tuple[str, str, Sequence[str]]:
    call = step.call
    assert isinstance(call, Binary)
    first, second = (float_literal(scale) for scale in call.scales)
    fields = [
        f".batch = {rows}, .elements = {call.elements},",
        f".second_elements = {call.second_elements},",
        f".zero = {braces(call.zeros)}, .scale = {{{first}, {second}}},",
        _result(call.result),
    ]
    return "tfn_binary_int8", f"{call.kind}_int8", fields


def _unary(step: Quantized, rows: int) -> tuple[str, str, Sequence[str]]:
    call = step.call
    assert isinstance(call, Unary)
    fields = [
        f".batch = {rows}, .elements = {call.elements},",
        f".scale = {float_literal(call.scale)},",
        _result(call.result),
    ]
    kernels = {
        "table": "table_int8",
        "quantize": "quantize_f32",
        "dequantize": "dequantize_int8",
    }
    return "tfn_unary_int8", kernels[call.kind], fields


def _pool(step: Quantized, rows: int) -> tuple[str, str, Sequence[str]]:
    call = step.call
    assert isinstance(call, Pool)
    fields = [
        f".window = {{.batch = {rows}, .channels = {call.channels},",
        *(f"    {line}," for line in _window(call.window)),
        f"    .window_dilation = {braces(call.window.dilation)}}},",
        f".input_zero = {call.input_zero},",
        f".multiplier = {float_literal(call.multiplier)},",
        _result(call.result),
    ]
    return "tfn_pool_int8", f"pool_{call.kind}_int8", fields


def _window(window: Window) -> Sequence[str]:
    return [
        f".in = {braces(window.in_size)}, .out = {braces(window.out_size)}",
        f".kernel = {braces(window.kernel_size)}, .stride = {braces(window.stride)}",
        f".padding_low = {braces(window.padding_low)}",
    ]


def _result(result: Requantize) -> str:
    table = "table" if result.table is not None else "NULL"
    return f".result = {{{result.zero}, {result.low}, {result.high}, {table}}}"


_PARAMETERS: Mapping[
    type, Callable[[Quantized, int], tuple[str, str, Sequence[str]]]
] = {Product: _product, Binary: _binary, Unary: _unary, Pool: _pool}
