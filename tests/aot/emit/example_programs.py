# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Programs with a step of each kind, and a strict compiler for their C."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

from tests.aot.emit.quantized_steps import QUANTIZED
from tfnative_aot.emit.names import NAMES_HEADER, emit_names
from tfnative_aot.emit.program_c import emit_programs
from tfnative_aot.emit.weights import WeightPool
from tfnative_aot.link.find_toolchain import find_toolchain
from tfnative_aot.link.toolchain import sources_dir
from tfnative_aot.machines.cpu_levels import X86_LEVELS, VariantKey
from tfnative_aot.program.memory import Allocation, Buffer, Constant, Shape, Slice
from tfnative_aot.program.passes.assign_memory import assign_memory
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    Call,
    CombinedSuppression,
    Conditional,
    Convolution,
    Copy,
    Dot,
    Epilogue,
    Kernel,
    Matrix,
    ReduceWindow,
    Sort,
    Source,
    Step,
    Suppression,
    TopK,
    While,
)

SOURCE = Source("hlo.1", "model/dense/MatMul", "MatMul")
INPUT, OUTPUT, CONSTANT, TEMP = range(4)


def buffer(allocation: int, dtype: str = "f32", offset: int = 0) -> Buffer:
    return Buffer(Slice(allocation, offset, 16), Shape(dtype, (2, 2), (1, 0)))


KERNEL = Kernel(SOURCE, "k1", (buffer(INPUT),), (buffer(TEMP),), (2, 1, 1))
SQUARE = Matrix(0, 2, 1)


def dot(dtype: str = "f32", *, packed: bool = False, add: bool = False) -> Dot:
    return Dot(
        source=SOURCE,
        dtype=dtype,
        batch=1,
        m=2,
        n=2,
        k=2,
        lhs=buffer(INPUT),
        rhs=buffer(CONSTANT),
        out=buffer(OUTPUT),
        lhs_matrix=SQUARE,
        rhs_matrix=SQUARE,
        out_matrix=SQUARE,
        epilogue=Epilogue(addend=buffer(TEMP)) if add else Epilogue(),
        packed=packed,
    )


def convolution(kernel: str, dtype: str = "f32") -> Convolution:
    one = (1, 1, 1)
    return Convolution(
        source=SOURCE,
        dtype=dtype,
        batch=1,
        in_channels=1,
        out_channels=1,
        groups=1,
        in_size=one,
        out_size=one,
        kernel_size=one,
        stride=one,
        padding_low=(0, 0, 0),
        base_dilation=one,
        window_dilation=one,
        lhs=buffer(INPUT),
        rhs=buffer(CONSTANT),
        out=buffer(TEMP),
        kernel=kernel,  # type: ignore[arg-type]
    )


POOLING = ReduceWindow(
    source=SOURCE,
    operation="max",
    init=-math.inf,
    scale=1.0,
    batch=1,
    channels=1,
    in_size=(1, 2, 2),
    out_size=(1, 2, 2),
    kernel_size=(1, 1, 1),
    stride=(1, 1, 1),
    padding_low=(0, 0, 0),
    window_dilation=(1, 1, 1),
    lhs=buffer(INPUT),
    out=buffer(TEMP),
)
FLAG = Slice(TEMP, 0, 1)
INDEX = Slice(TEMP, 4, 4)
TRANSPOSED = Buffer(Slice(TEMP, 0, 16), Shape("f32", (2, 2), (0, 1)))
STEPS: dict[str, Step] = {
    "kernel": KERNEL,
    "packed dot": dot(packed=True),
    "packed dot with addend": dot(packed=True, add=True),
    "plain dot": dot(),
    "integer dot": dot("s32"),
    "packed convolution": convolution("packed"),
    "depthwise convolution": convolution("depthwise"),
    "winograd convolution": convolution("winograd"),
    "double convolution": convolution("any", "f64"),
    "pooling": POOLING,
    "copy": Copy(SOURCE, buffer(INPUT), buffer(OUTPUT)),
    "transposing copy": Copy(SOURCE, buffer(INPUT), TRANSPOSED),
    "while": While(SOURCE, (KERNEL,), (KERNEL,), FLAG, None),
    "counted while": While(SOURCE, (KERNEL,), (KERNEL,), FLAG, 3),
    "conditional": Conditional(SOURCE, ((KERNEL,), ()), FLAG),
    "switch": Conditional(SOURCE, ((KERNEL,), (KERNEL,), ()), INDEX),
    "call": Call(SOURCE, (KERNEL, dot())),
    "sort": Sort(SOURCE, "less", 1, 4, 1, (buffer(TEMP), buffer(TEMP, "s32"))),
    "combined suppression": CombinedSuppression(
        *(SOURCE, 2, 5, 1, 3, 4, 6, True), INDEX, INDEX, INDEX
    ),
    "large combined suppression": CombinedSuppression(
        *(SOURCE, 1, 2000, 90, 90, 10, 100, False), INDEX, INDEX, INDEX
    ),
    "suppression": Suppression(SOURCE, 5, 4, INDEX, INDEX, INDEX),
    **QUANTIZED,
    "topk": TopK(SOURCE, 1, 4, 2, INDEX, INDEX, INDEX),
    "comment end in a name": Kernel(
        Source("*/ x"), "k1", (), (buffer(TEMP),), (1, 1, 1)
    ),
}


def program(*steps: Step) -> Program:
    shape = Shape("f32", (2, 2), (1, 0))
    return Program(
        key=VariantKey(0, 1, X86_LEVELS[0]),
        object_file=Path("unused.o"),
        steps=steps,
        allocations=(
            Allocation(INPUT, 16, "input", 0),
            Allocation(OUTPUT, 16, "output", 0),
            Allocation(CONSTANT, 16, "constant"),
            Allocation(TEMP, 64, "temp"),
        ),
        constants={CONSTANT: Constant(shape, bytes(16))},
        input_shapes=(shape,),
        output_shapes=(shape, shape),
        # The second output is the input as it is.
        output_slices=(Slice(OUTPUT, 0, 16), Slice(INPUT, 0, 16)),
    )


def check_c(example: Program, folder: Path, *, weights_apart: bool = False) -> str:
    example = assign_memory(example)
    emitted = emit_programs([example], WeightPool([example]), "program.gen.h")
    (folder / "program.gen.h").write_text(emitted.header)
    names = emit_names("example", [example], weights_apart=weights_apart)
    (folder / NAMES_HEADER).write_text(names)
    source = folder / "program.c"
    source.write_text(emitted.source)
    toolchain = find_toolchain()
    kernels, headers = sources_dir()
    command = [
        *toolchain.cc,
        "-fsyntax-only",
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
    ]
    command += [f"-I{kernels}", f"-I{headers}", "-DTFN_LEVEL=v2", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return emitted.source
