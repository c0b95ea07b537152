# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The C of the programs of one CPU level: a header and a source.

The header declares each variant's function and how much memory it needs, for the
artifact's tables. A function is a straight list of calls of XLA's kernels and ours.
The macros that it is written in (TFN_CALL, IN, OUT, CONST, TEMP) stand in
cpp/kernels/program.h.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tfnative_aot.emit.step_table import flops, step_lines
from tfnative_aot.emit.weights import WeightPool
from tfnative_aot.program.memory import Buffer, Slice
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    Call,
    Conditional,
    Convolution,
    Copy,
    Dot,
    Epilogue,
    Kernel,
    Matrix,
    ReduceWindow,
    Sort,
    Step,
    TopK,
    While,
)
from tfnative_aot.program.traverse import walk

NAMES_HEADER = "names.h"
"""File in which the artifact's global names are: see ``emit_names``."""

_FEWEST_SHARED_FLOPS = 500_000
"""Less work takes less time than waking a thread for it."""


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


@dataclass(frozen=True)
class ProgramSource:
    """The C of all programs of a CPU level: a header, and what includes it."""

    header: str
    source: str


def emit_programs(
    programs: Sequence[Program],
    weights: WeightPool,
    header_name: str,
    *,
    has_steps: bool = True,
) -> ProgramSource:
    """The header and the source with the functions of the given programs.

    Args:
        programs: Of one CPU level.
        weights: Their constants.
        header_name: What the source includes.
        has_steps: Whether their steps can be listed when they run.
    """
    emitters = [_Emitter(program, weights, has_steps) for program in programs]
    for emitter in emitters:
        emitter.run()
    return ProgramSource(
        header=f'#include "{NAMES_HEADER}"\n#include "program.h"\n\n'
        + "\n".join(e.header() for e in emitters),
        source=f'#include "{header_name}"\n\n'
        + "\n".join(e.function() for e in emitters),
    )


class _Emitter:
    """Writes one program."""

    def __init__(self, program: Program, weights: WeightPool, has_steps: bool) -> None:
        self._program = program
        self._has_steps = has_steps
        self._weights = weights
        self._lines: list[str] = []
        self._step_number = 0
        self._scratch: list[str] = []
        self._temp = program.temp_offsets
        self._temp_bytes = program.temp_bytes

    def run(self) -> None:
        self._sequence(self._program.steps, 1)
        self._copy_outputs()

    def header(self) -> str:
        name = run_function(self._program)
        return "\n".join(
            [
                self._scratch_union(name),
                f"#define {name}_workspace_bytes \\",
                f"  ({self._temp_bytes}u + TFN_ALIGNED(sizeof(union {name}_scratch)))",
                f"#define {name}_thread_bytes \\",
                f"  TFN_ALIGNED(sizeof(union {name}_scratch))",
                f"#define {name}_step_count {self._step_number}",
                f"extern const char {name}_steps[] TFN_HIDDEN;",
                f"int32_t {name}(const void* const*, void* const*, void*,",
                "    const tfn_context*) TFN_HIDDEN;",
                "",
            ]
        )

    def function(self) -> str:
        key = self._program.key
        return "\n".join(
            [
                *self._declarations(),
                "",
                *self._step_table(),
                "",
                f"/* Signature {key.signature}, batch size {key.batch_size}. */",
                f"int32_t {run_function(self._program)}(const void* const* in, "
                "void* const* out, void* workspace,",
                "    const tfn_context* context) {",
                "  TFN_FIND_WEIGHTS;",
                f"  char* const scratch = (char*)workspace + {self._temp_bytes};",
                "  (void)in, (void)out, (void)scratch;",
                *self._lines,
                "  TFN_STEP(0);",
                "  return 0;",
                "}",
                "",
            ]
        )

    def _declarations(self) -> list[str]:
        kernels: dict[str, str] = {}
        for step in walk(self._program.steps):
            if isinstance(step, Kernel):
                kernels[step.symbol] = "tfn_xla_kernel"
            elif isinstance(step, Sort):
                kernels[step.comparator] = "tfn_comparator"
        return [f"extern {kind} {symbol};" for symbol, kind in kernels.items()]

    def _step_table(self) -> list[str]:
        if not self._has_steps:
            return []
        lines = step_lines(self._program) or [""]
        text = [f'    {json.dumps(line)[:-1]}\\n"' for line in lines]
        return [f"const char {run_function(self._program)}_steps[] =", *text, "    ;"]

    def _scratch_union(self, name: str) -> str:
        """As large as the most that one step needs."""
        sizes = dict.fromkeys(self._scratch)
        members = [f"  char at_{i}[1 + {size}];" for i, size in enumerate(sizes)]
        body = "\n".join(members or ["  char none;"])
        return f"union {name}_scratch {{\n{body}\n}};"

    def _copy_outputs(self) -> None:
        for position, place in enumerate(self._program.output_slices):
            allocation = self._program.allocations[place.allocation]
            if (allocation.kind, allocation.position) != ("output", position):
                self._line(
                    1,
                    f"memcpy(out[{position}], {self._pointer(place)}, {place.size});",
                )

    # --- Steps ----------------------------------------------------------------

    def _sequence(self, steps: Sequence[Step], depth: int) -> None:
        for step in steps:
            self._step_number += 1
            comment = f"{self._step_number} {step.source}".replace("*/", "* /")
            self._line(depth, f"/* {comment} */")
            self._line(depth, f"TFN_STEP({self._step_number});")
            self._step(step, depth)

    def _step(self, step: Step, depth: int) -> None:
        if isinstance(step, Kernel):
            self._kernel(step, depth)
        elif isinstance(step, Dot):
            self._dot(step, depth)
        elif isinstance(step, Convolution):
            self._convolution(step, depth)
        elif isinstance(step, ReduceWindow):
            self._reduce_window(step, depth)
        elif isinstance(step, Copy):
            self._copy(step, depth)
        elif isinstance(step, While):
            self._while(step, depth)
        elif isinstance(step, Conditional):
            self._conditional(step, depth)
        elif isinstance(step, Call):
            self._sequence(step.steps, depth)
        elif isinstance(step, Sort):
            self._sort(step, depth)
        else:
            self._topk(step, depth)

    def _kernel(self, step: Kernel, depth: int) -> None:
        x, y, z = step.workgroups
        buffers = step.arguments + step.results
        arguments = [f"{{{self._buffer(b)}, {b.slice.size}}}" for b in buffers]
        self._line(
            depth, f"TFN_CALL({self._step_number}, {step.symbol}, {x}, {y}, {z},"
        )
        for number, argument in enumerate(arguments, 1):
            end = ");" if number == len(arguments) else ","
            self._line(depth + 2, argument + end)

    def _dot(self, step: Dot, depth: int) -> None:
        matrices = (step.lhs_matrix, step.rhs_matrix, step.out_matrix)
        fields = [
            f".batch = {step.batch}, .m = {step.m}, .n = {step.n}, .k = {step.k},",
            ", ".join(
                f".{name} = {_matrix(matrix)}"
                for name, matrix in zip(("lhs", "rhs", "out"), matrices, strict=True)
            )
            + ",",
            _epilogue(step.epilogue),
        ]
        sizes = f"{step.batch}, {step.m}, {step.n}, {step.k}"
        scratch = f"TFN_MATMUL_SCRATCH_BYTES({sizes})"
        buffers = (step.lhs, step.rhs, step.out)
        if step.dtype != "f32":
            operands = [self._buffer(buffer) for buffer in buffers]
            kernel = f"matmul_any_{step.dtype}"
            self._with_parameters("tfn_matmul", fields, kernel, operands, depth)
        elif step.packed:
            self._f32_kernel("tfn_matmul", fields, "matmul_packed_f32", step, "", depth)
        else:
            self._f32_kernel("tfn_matmul", fields, "matmul_f32", step, scratch, depth)

    def _convolution(self, step: Convolution, depth: int) -> None:
        fields = [
            f".batch = {step.batch}, .in_channels = {step.in_channels},",
            f".out_channels = {step.out_channels}, .groups = {step.groups},",
            f".in = {_braces(step.in_size)}, .out = {_braces(step.out_size)},",
            f".kernel = {_braces(step.kernel_size)}, .stride = {_braces(step.stride)},",
            f".padding_low = {_braces(step.padding_low)},",
            f".base_dilation = {_braces(step.base_dilation)},",
            f".window_dilation = {_braces(step.window_dilation)},",
            _epilogue(step.epilogue),
        ]
        if step.kernel == "any":
            buffers = (step.lhs, step.rhs, step.out)
            operands = [self._buffer(buffer) for buffer in buffers]
            kernel = f"conv_any_{step.dtype}"
            self._with_parameters("tfn_conv", fields, kernel, operands, depth)
            return
        if step.kernel == "depthwise":
            _, lines, columns = step.kernel_size
            scratch = f"DEPTHWISE_SCRATCH_BYTES({step.in_channels}, {lines}, {columns})"
        elif step.kernel == "winograd":
            _, height, width = step.out_size
            tiles = f"TFN_WINOGRAD_TILES({step.batch}, {height}, {width})"
            sizes = f"{tiles}, {step.in_channels}, {step.out_channels}"
            scratch = f"WINOGRAD_SCRATCH_BYTES({sizes})"
        else:
            pixels = step.batch * math.prod(step.out_size)
            places = math.prod(step.kernel_size)
            channels = step.in_channels // step.groups
            scratch = f"CONV_SCRATCH_BYTES({pixels}, {places}, {channels})"
        kernel = {
            "depthwise": "conv_depthwise_f32",
            "winograd": "conv_winograd_f32",
            "packed": "conv_f32",
        }[step.kernel]
        self._f32_kernel("tfn_conv", fields, kernel, step, f"TFN_{scratch}", depth)

    def _reduce_window(self, step: ReduceWindow, depth: int) -> None:
        fields = [
            f".operation = TFN_REDUCE_{step.operation.upper()},",
            f".init = {_float(step.init)}, .scale = {_float(step.scale)},",
            f".batch = {step.batch}, .channels = {step.channels},",
            f".in = {_braces(step.in_size)}, .out = {_braces(step.out_size)},",
            f".kernel = {_braces(step.kernel_size)}, .stride = {_braces(step.stride)},",
            f".padding_low = {_braces(step.padding_low)},",
            f".window_dilation = {_braces(step.window_dilation)}",
        ]
        kernel = "reduce_window_f32"
        self._f32_kernel("tfn_reduce_window", fields, kernel, step, "", depth)

    def _f32_kernel(
        self,
        struct: str,
        fields: Sequence[str],
        kernel: str,
        step: Dot | Convolution | ReduceWindow,
        scratch: str,
        depth: int,
    ) -> None:
        """A call of a tfn_f32_kernel with its parameters and operands."""
        if scratch:
            self._scratch.append(scratch)
        parts: dict[str, Buffer | None] = {"lhs": step.lhs}
        if isinstance(step, Dot | Convolution):
            parts["rhs"] = step.rhs
            parts["bias"] = step.epilogue.bias
            parts["addend"] = step.epilogue.addend
        parts["out"] = step.out
        operands = [
            f".{name} = {self._buffer(buffer)}"
            for name, buffer in parts.items()
            if buffer is not None
        ]
        self._line(depth, "{")
        self._line(depth + 1, f"static const {struct} p = {{")
        for field in fields:
            self._line(depth + 3, field)
        self._line(depth + 1, "};")
        self._line(depth + 1, "const tfn_operands operands = {")
        for operand in operands:
            self._line(depth + 3, operand + ",")
        self._line(depth + 3, ".scratch = scratch};")
        call = f"TFN_KERNEL({kernel})"
        if flops(step) < _FEWEST_SHARED_FLOPS:
            self._line(depth + 1, f"{call}(&p, &operands, (tfn_part){{0, 1}});")
        else:
            self._line(depth + 1, f"tfn_share(context, {call}, &p, &operands,")
            self._line(depth + 5, f"{run_function(self._program)}_thread_bytes);")
        self._line(depth, "}")

    def _copy(self, step: Copy, depth: int) -> None:
        dst, src = self._buffer(step.dst), self._buffer(step.src)
        shape, target = step.src.shape, step.dst.shape
        if shape.minor_to_major == target.minor_to_major or shape.elements <= 1:
            self._line(depth, f"memcpy({dst}, {src}, {step.src.slice.size});")
            return
        rank = len(shape.dims)
        fields = [
            f".rank = {rank}, .element_bytes = {shape.element_bytes},",
            f".dims = {_braces(shape.dims)},",
            f".src_strides = {_braces(shape.strides)},",
            f".dst_strides = {_braces(target.strides)}",
        ]
        self._with_parameters(
            "tfn_strided_copy", fields, None, [src, dst], depth, "tfn_copy_strided"
        )

    def _while(self, step: While, depth: int) -> None:
        if step.trip_count is not None:
            i = f"i{self._step_number}"
            self._line(
                depth, f"for (int64_t {i} = 0; {i} < {step.trip_count}; ++{i}) {{"
            )
            self._sequence(step.body, depth + 1)
        else:
            self._line(depth, "for (;;) {")
            self._sequence(step.condition, depth + 1)
            flag = self._pointer(step.condition_buffer)
            self._line(depth + 1, f"if (!*(const char*){flag}) break;")
            self._sequence(step.body, depth + 1)
        self._line(depth, "}")

    def _conditional(self, step: Conditional, depth: int) -> None:
        pointer = self._pointer(step.index)
        if step.index.size == 1:
            value = f"*(const char*){pointer} ? 0 : 1"
        else:
            value = f"*(const int32_t*){pointer}"
        self._line(depth, f"switch ({value}) {{")
        last = len(step.branches) - 1
        for number, branch in enumerate(step.branches):
            label = "default" if number == last else f"case {number}"
            self._line(depth + 1, f"{label}: {{")
            self._sequence(branch, depth + 2)
            self._line(depth + 2, "break;")
            self._line(depth + 1, "}")
        self._line(depth, "}")

    def _sort(self, step: Sort, depth: int) -> None:
        count = len(step.arrays)
        sizes = [buffer.shape.element_bytes for buffer in step.arrays]
        self._scratch.append(f"TFN_SORT_SCRATCH_BYTES({step.length}, {count})")
        self._line(depth, "{")
        self._line(
            depth + 1, f"static const int32_t element_bytes[] = {_braces(sizes)};"
        )
        self._line(
            depth + 1,
            f"static const tfn_sort p = {{.outer = {step.outer}, "
            f".length = {step.length}, .inner = {step.inner}, .count = {count}, "
            ".element_bytes = element_bytes};",
        )
        arrays = ", ".join(self._buffer(buffer) for buffer in step.arrays)
        self._line(depth + 1, f"void* const arrays[] = {{{arrays}}};")
        self._line(
            depth + 1, f"TFN_KERNEL(sort)(&p, arrays, {step.comparator}, scratch);"
        )
        self._line(depth, "}")

    def _topk(self, step: TopK, depth: int) -> None:
        self._scratch.append(f"TFN_TOPK_SCRATCH_BYTES({step.length})")
        places = (step.values, step.out_values, step.out_indices)
        pointers = ", ".join(self._pointer(place) for place in places)
        self._line(
            depth,
            f"TFN_KERNEL(topk_f32)({step.batch}, {step.length}, {step.k}, {pointers}, "
            "scratch);",
        )

    # --- Text -----------------------------------------------------------------

    def _with_parameters(
        self,
        struct: str,
        fields: Sequence[str],
        kernel: str | None,
        operands: Sequence[str],
        depth: int,
        function: str = "",
    ) -> None:
        """A block with a constant parameter struct and a call that takes it."""
        self._line(depth, "{")
        self._line(depth + 1, f"static const {struct} p = {{")
        for field in fields:
            self._line(depth + 3, field)
        self._line(depth + 1, "};")
        name = f"TFN_KERNEL({kernel})" if kernel else function
        self._line(depth + 1, f"{name}(&p, {', '.join(operands)});")
        self._line(depth, "}")

    def _line(self, depth: int, text: str) -> None:
        self._lines.append("  " * depth + text)

    def _buffer(self, buffer: Buffer) -> str:
        return self._pointer(buffer.slice)

    def _pointer(self, place: Slice) -> str:
        allocation = self._program.allocations[place.allocation]
        if allocation.kind == "input":
            return f"IN({allocation.position}, {place.offset})"
        if allocation.kind == "output":
            return f"OUT({allocation.position}, {place.offset})"
        if allocation.kind == "constant":
            base = self._weights.offset(self._program, place.allocation)
            return f"CONST({base + place.offset})"
        return f"TEMP({self._temp[place.allocation] + place.offset})"


def _epilogue(epilogue: Epilogue) -> str:
    low, high = (_float(value) for value in (epilogue.low, epilogue.high))
    activation = f"TFN_{epilogue.activation.upper()}"
    return f".epilogue = {{{activation}, {low}, {high}}}"


def _float(value: float) -> str:
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    if math.isnan(value):
        return "NAN"
    return f"{value.hex()}f"


def _matrix(matrix: Matrix) -> str:
    return f"{{{matrix.batch_stride}, {matrix.row_stride}, {matrix.col_stride}}}"


def _braces(values: Sequence[int]) -> str:
    return "{" + ", ".join(map(str, values)) + "}"
