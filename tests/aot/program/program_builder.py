# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Builds small programs; every array is f32 of shape (rows, channels)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tests.aot.program.interpreter import Function
from tfnative_aot.machines.cpu_levels import X86_LEVELS, VariantKey
from tfnative_aot.program.expression import Expression
from tfnative_aot.program.memory import (
    NOWHERE,
    Allocation,
    Buffer,
    Constant,
    Shape,
    Slice,
)
from tfnative_aot.program.passes.pack_weights import pack_weights
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    Convolution,
    Dot,
    Epilogue,
    Kernel,
    Matrix,
    Reduced,
    ReduceWindow,
    Source,
    Step,
)

Array = npt.NDArray[Any]
Kind = Literal["input", "output", "temp"]
ONE = (1, 1, 1)


class ProgramBuilder:
    """Collects allocations, one for each buffer, and steps."""

    def __init__(self) -> None:
        self.allocations: list[Allocation] = []
        self.constants: dict[int, Constant] = {}
        self.steps: list[Step] = []
        self._random = np.random.default_rng(0)
        self._names = 0

    # --- Buffers --------------------------------------------------------------

    def buffer(self, kind: Kind, *dims: int) -> Buffer:
        """A new allocation of the kind, all of it."""
        index = len(self.allocations)
        size = int(np.prod(dims)) * 4
        position = sum(a.kind == kind for a in self.allocations)
        self.allocations.append(
            Allocation(index, size, kind, -1 if kind == "temp" else position)
        )
        return Buffer(Slice(index, 0, size), row_major(*dims))

    def constant(self, *dims: int) -> Buffer:
        """A constant of random numbers."""
        data = self._random.uniform(-0.5, 0.5, dims).astype(np.float32)
        index = len(self.allocations)
        self.allocations.append(Allocation(index, data.nbytes, "constant"))
        shape = row_major(*dims)
        self.constants[index] = Constant(shape, data.tobytes())
        return Buffer(Slice(index, 0, data.nbytes), shape)

    # --- Steps: each is added, and returned -------------------------------------

    def dot(self, x: Buffer, out: Buffer, addend: Buffer | None = None) -> Kernel:
        """XLA's product with a constant, and perhaps an array added to it."""
        (m, k), n = x.shape.dims, out.shape.dims[-1]
        weights = self.constant(k, n)
        source = self.source("dot")
        dot = Dot(
            source=source,
            dtype="f32",
            batch=1,
            m=m,
            n=n,
            k=k,
            lhs=x,
            rhs=weights,
            out=out,
            lhs_matrix=Matrix(0, k, 1),
            rhs_matrix=Matrix(0, n, 1),
            out_matrix=Matrix(0, n, 1),
            epilogue=Epilogue(addend=addend),
        )
        arguments = (x, weights) if addend is None else (x, weights, addend)
        kernel = Kernel(source, source.hlo, arguments, (out,), ONE, dot)
        self.steps.append(kernel)
        return kernel

    def left_dot(self, x: Buffer, out: Buffer) -> Kernel:
        """A product with a constant on the left."""
        (k, n), m = x.shape.dims, out.shape.dims[0]
        weights = self.constant(m, k)
        source = self.source("dot")
        dot = Dot(
            source=source,
            dtype="f32",
            batch=1,
            m=m,
            n=n,
            k=k,
            lhs=weights,
            rhs=x,
            out=out,
            lhs_matrix=Matrix(0, k, 1),
            rhs_matrix=Matrix(0, n, 1),
            out_matrix=Matrix(0, n, 1),
        )
        kernel = Kernel(source, source.hlo, (weights, x), (out,), ONE, dot)
        self.steps.append(kernel)
        return kernel

    def convolution(
        self,
        x: Buffer,
        out: Buffer,
        *,
        taps: int = 1,
        groups: int = 1,
        weights: Buffer | None = None,
    ) -> Convolution:
        """A convolution over the rows, whose number does not change."""
        (rows, channels), out_channels = x.shape.dims, out.shape.dims[-1]
        dims = (1, 1, taps, channels // groups, out_channels)
        step = Convolution(
            source=self.source("convolution"),
            dtype="f32",
            batch=1,
            in_channels=channels,
            out_channels=out_channels,
            groups=groups,
            in_size=(1, 1, rows),
            out_size=(1, 1, rows),
            kernel_size=(1, 1, taps),
            stride=ONE,
            padding_low=(0, 0, taps // 2),
            base_dilation=ONE,
            window_dilation=ONE,
            lhs=x,
            rhs=weights or self.constant(*dims),
            out=out,
        )
        self.steps.append(step)
        return step

    def kernel(self, e: Expression, arguments: Sequence[Buffer], out: Buffer) -> Kernel:
        """An element-wise kernel."""
        source = self.source("fusion")
        step = Kernel(source, source.hlo, tuple(arguments), (out,), ONE, None, e)
        self.steps.append(step)
        return step

    def reduce(
        self, x: Buffer, out: Buffer, *, size: int = 0, **fields: Any
    ) -> ReduceWindow:
        """Sums of windows of ``size`` rows next to each other, or of all."""
        step = self._reduction(x, out, size, fields)
        self.steps.append(step)
        return step

    def reduced(
        self, e: Expression, arguments: Sequence[Buffer], out: Buffer
    ) -> Kernel:
        """A kernel that sums the rows of what it computes."""
        nowhere = replace(
            arguments[0], slice=replace(NOWHERE, size=arguments[0].slice.size)
        )
        reduced = Reduced(e, self._reduction(nowhere, out, 0, {}))
        source = reduced.reduction.source
        step = Kernel(
            source, source.hlo, tuple(arguments), (out,), ONE, reduced=reduced
        )
        self.steps.append(step)
        return step

    def _reduction(
        self, x: Buffer, out: Buffer, size: int, fields: dict[str, Any]
    ) -> ReduceWindow:
        rows, channels = x.shape.dims
        size = size or rows
        step = ReduceWindow(
            source=self.source("reduce"),
            operation="sum",
            init=0.0,
            scale=1.0,
            batch=1,
            channels=channels,
            in_size=(1, 1, rows),
            out_size=(1, 1, out.shape.dims[0]),
            kernel_size=(1, 1, size),
            stride=(1, 1, size),
            padding_low=(0, 0, 0),
            window_dilation=ONE,
            lhs=x,
            out=out,
        )
        return replace(step, **fields)

    def call(
        self, symbol: str, arguments: Sequence[Buffer], *results: Buffer
    ) -> Kernel:
        """A kernel of unknown content: one of FUNCTIONS."""
        source = self.source(symbol)
        step = Kernel(source, symbol, tuple(arguments), results, ONE)
        self.steps.append(step)
        return step

    def source(self, kind: str) -> Source:
        self._names += 1
        return Source(f"{kind}.{self._names}")

    # --- The end ---------------------------------------------------------------

    def program(self, *outputs: Buffer) -> Program:
        return Program(
            key=VariantKey(0, 1, X86_LEVELS[0]),
            object_file=Path("unused.o"),
            steps=tuple(self.steps),
            allocations=tuple(self.allocations),
            constants=dict(self.constants),
            input_shapes=(),
            output_shapes=tuple(b.shape for b in outputs),
            output_slices=tuple(b.slice for b in outputs),
        )

    def packed(self, *outputs: Buffer) -> Program:
        return pack_weights(self.program(*outputs))


def row_major(*dims: int) -> Shape:
    return Shape("f32", dims, tuple(reversed(range(len(dims)))))


def reshaped(buffer: Buffer, *dims: int) -> Buffer:
    return replace(buffer, shape=row_major(*dims))


def inputs_of(program: Program) -> list[Array]:
    """Random numbers for every input."""
    random = np.random.default_rng(1)
    sizes = [a.size // 4 for a in program.allocations if a.kind == "input"]
    return [random.uniform(-2, 2, size).astype(np.float32) for size in sizes]


def _mix(arguments: Sequence[Array], results: Sequence[Array]) -> None:
    """Each result depends on each element of each argument."""
    total = sum(np.tanh(a).mean() * (i + 1) for i, a in enumerate(arguments))
    for number, result in enumerate(results):
        result[:] = np.sin(total * (number + 1) + np.arange(result.size))


def _update(arguments: Sequence[Array], results: Sequence[Array]) -> None:
    """Writes what it can of the second argument after the result's first element."""
    (result,) = results
    count = min(result.size - 1, arguments[1].size)
    result[1 : 1 + count] = arguments[1][:count]


def _choose(arguments: Sequence[Array], results: Sequence[Array]) -> None:
    """Writes an s32: 0 or 1."""
    results[0].view(np.int32)[:] = int(arguments[0].sum() > 0)


FUNCTIONS: dict[str, Function] = {"mix": _mix, "update": _update, "choose": _choose}
IN_PLACE = ("update",)
