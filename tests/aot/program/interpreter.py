# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs programs in NumPy, as the emitted C would, and is strict about memory.

All bytes that nobody has written are NaN. Whatever a step reads must lie apart from
what it writes, but for the few places where kernels allow that they are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from tests.aot.program.numpy_steps import (
    PANEL,
    apply_epilogue,
    convolve,
    elementwise,
    multiply,
    packed_matrices,
    reduce_window,
)
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.program.memory import Buffer, Shape, Slice
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

Array = npt.NDArray[np.generic]
Function = Callable[[Sequence[Array], Sequence[Array]], None]

ALIGNMENT = 64
DTYPES = {"f32": np.float32, "s32": np.int32, "pred": np.bool_}


def interpret(
    program: Program,
    inputs: Sequence[Array],
    functions: dict[str, Function],
    in_place: Iterable[str] = (),
) -> list[Array]:
    """The outputs of a program, before or after ``assign_memory``.

    Args:
        program: What to run.
        inputs: By position.
        functions: What kernels without expression do, by symbol: they are given the
            arguments and the results as flat arrays.
        in_place: Symbols of those that change a part of their first argument.
    """
    machine = _Machine(program, functions, frozenset(in_place))
    for allocation in program.allocations:
        if allocation.kind == "input":
            data = inputs[allocation.position].tobytes()
            machine.bytes_of(Slice(allocation.index, 0, len(data)))[:] = list(data)
    with np.errstate(over="ignore"):
        machine.run(program.steps)
    return [
        machine.array(Buffer(place, shape)).reshape(shape.dims).copy()
        for place, shape in zip(
            program.output_slices, program.output_shapes, strict=True
        )
    ]


class _Machine:
    def __init__(
        self,
        program: Program,
        functions: dict[str, Function],
        in_place: frozenset[str],
    ) -> None:
        self._program = program
        self._functions = functions
        self._in_place = in_place
        self._base: dict[int, int] = {}
        end = program.temp_bytes
        for a in program.allocations:
            if a.index in program.temp_offsets:
                base = program.temp_offsets[a.index]
                assert base % ALIGNMENT == 0
                assert base + a.size <= program.temp_bytes
            elif a.kind == "none" or (a.kind == "temp" and program.temp_offsets):
                continue  # Nothing may touch it.
            else:
                base = -(-end // ALIGNMENT) * ALIGNMENT
                end = base + a.size
            self._base[a.index] = base
        self._memory = np.full(end, 0xFF, np.uint8)
        for index, constant in program.constants.items():
            place = Slice(index, 0, len(constant.data))
            self.bytes_of(place)[:] = np.frombuffer(constant.data, np.uint8)
        self._read_only = {a.index for a in program.allocations if a.kind == "constant"}
        self._read_only |= {a.index for a in program.allocations if a.kind == "input"}

    def bytes_of(self, place: Slice) -> npt.NDArray[np.uint8]:
        low, high = self._range(place)
        return self._memory[low:high]

    def array(self, buffer: Buffer) -> Array:
        """A buffer's elements in memory order."""
        dtype = np.dtype(DTYPES[buffer.shape.dtype])
        raw = self.bytes_of(buffer.slice)
        return raw[: buffer.shape.elements * dtype.itemsize].view(dtype)

    def _range(self, place: Slice) -> tuple[int, int]:
        size = self._program.allocations[place.allocation].size
        assert place.offset + place.size <= size, f"{place} lies outside"
        low = self._base[place.allocation] + place.offset
        return low, low + place.size

    def _writable(self, buffer: Buffer) -> Array:
        assert buffer.slice.allocation not in self._read_only
        return self.array(buffer)

    def _check_apart(self, read: Slice, written: Slice, *, or_same: bool) -> None:
        (low, high), (start, end) = self._range(read), self._range(written)
        if or_same and (low, high) == (start, end):
            return
        assert high <= start or end <= low, f"{read} is overwritten by {written}"

    # --- Steps ----------------------------------------------------------------

    def run(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._step(step)

    def _step(self, step: Step) -> None:
        if isinstance(step, Kernel):
            self._kernel(step)
        elif isinstance(step, Dot):
            self._dot(step)
        elif isinstance(step, Convolution):
            self._convolution(step)
        elif isinstance(step, ReduceWindow):
            self._check_apart(step.lhs.slice, step.out.slice, or_same=False)
            self._writable(step.out)[:] = reduce_window(step, self.array(step.lhs))
        elif isinstance(step, Copy):
            self._check_apart(step.src.slice, step.dst.slice, or_same=False)
            to = self._ordered(step.dst)
            to[...] = self._ordered(step.src)
        elif isinstance(step, While):
            self._while(step)
        elif isinstance(step, Conditional):
            last = len(step.branches) - 1
            index = int(self.bytes_of(step.index).view(np.int32)[0])
            self.run(step.branches[index if 0 <= index <= last else last])
        elif isinstance(step, Call):
            self.run(step.steps)
        elif isinstance(step, Sort):
            self._sort(step)
        else:
            self._top_k(step)

    def _kernel(self, step: Kernel) -> None:
        partial = step.symbol in self._in_place
        if partial:
            assert self._range(step.arguments[0].slice) == self._range(
                step.results[0].slice
            ), f"{step.symbol} does not find its argument where it writes"
        for argument in step.arguments:
            for result in step.results:
                same = step.expression is not None or partial or step.dot is not None
                self._check_apart(argument.slice, result.slice, or_same=same)
        arguments = [self.array(a).copy() for a in step.arguments]
        results = [self._writable(r) for r in step.results]
        if step.expression is not None:
            size = results[0].size
            results[0][:] = elementwise(step.expression, arguments, size)
        elif step.dot is not None:
            self._dot(step.dot)
        elif step.reduced is not None:
            reduction = step.reduced.reduction
            size = reduction.lhs.shape.elements
            values = elementwise(step.reduced.expression, arguments, size)
            results[0][:] = reduce_window(reduction, values)
        else:
            if not partial:
                for result in step.results:
                    self.bytes_of(result.slice)[:] = 0xFF
            self._functions[step.symbol](arguments, results)

    def _operands(
        self, step: Dot | Convolution
    ) -> tuple[Array, Array, Epilogue, Array | None, Array | None]:
        e = step.epilogue
        for read in (step.lhs, step.rhs, *([] if e.bias is None else [e.bias])):
            self._check_apart(read.slice, step.out.slice, or_same=False)
        if e.addend is not None:
            self._check_apart(e.addend.slice, step.out.slice, or_same=True)
        bias = None if e.bias is None else self.array(e.bias)
        addend = None if e.addend is None else self.array(e.addend).copy()
        return self.array(step.lhs), self._weights(step), e, bias, addend

    def _weights(self, step: Dot | Convolution) -> Array:
        """What a step multiplies with, as floats; whole numbers are not scaled yet."""
        dtype = step.rhs.shape.dtype
        if dtype == "f32":
            return self.array(step.rhs)
        bytes_ = self.bytes_of(step.rhs.slice)
        if dtype == "s8":
            return bytes_.view(np.int8).astype(np.float32)
        kind = numpy_dtype("float16" if dtype == "f16" else "bfloat16")
        return bytes_.view(kind).astype(np.float32)

    def _scaled(self, step: Dot | Convolution, sums: Array) -> Array:
        if step.scale is None:
            return sums
        scale = self.array(step.scale)
        channels = sums.shape[-1]
        assert scale.size >= channels + PANEL  # The kernels read that much.
        return sums * scale[:channels]

    def _dot(self, step: Dot) -> None:
        assert step.batch == 1
        lhs, rhs, epilogue, bias, addend = self._operands(step)
        left = _strided(lhs, step.m, step.k, step.lhs_matrix)
        if step.packed:
            right = packed_matrices(rhs, 1, step.k, step.n)[0]
        else:
            right = _strided(rhs, step.k, step.n, step.rhs_matrix)
        out = _strided(self._writable(step.out), step.m, step.n, step.out_matrix)
        if addend is not None:
            addend = _strided(addend, step.m, step.n, step.out_matrix)
        sums = self._scaled(step, multiply(left, right))
        out[...] = apply_epilogue(sums, epilogue, bias, addend)

    def _convolution(self, step: Convolution) -> None:
        lhs, rhs, epilogue, bias, addend = self._operands(step)
        sums = self._scaled(step, convolve(step, lhs, rhs))
        out = self._writable(step.out).reshape(sums.shape)
        if addend is not None:
            addend = addend.reshape(sums.shape)
        out[...] = apply_epilogue(sums, epilogue, bias, addend)

    def _while(self, step: While) -> None:
        if step.trip_count is not None:
            for _ in range(step.trip_count):
                self.run(step.body)
            return
        self.run(step.condition)
        while self.bytes_of(step.condition_buffer)[0]:
            self.run(step.body)
            self.run(step.condition)

    def _sort(self, step: Sort) -> None:
        views = [
            self._writable(b).reshape(step.outer, step.length, step.inner)
            for b in step.arrays
        ]
        order = np.argsort(views[0], axis=1, kind="stable")
        for view in views:
            view[...] = np.take_along_axis(view, order, axis=1)

    def _top_k(self, step: TopK) -> None:
        shape = Shape("f32", (step.batch, step.length), (1, 0))
        values = self.array(Buffer(step.values, shape)).reshape(shape.dims)
        order = np.argsort(-values, axis=1, kind="stable")[:, : step.k]
        best = np.take_along_axis(values, order, axis=1)
        for place in (step.out_values, step.out_indices):
            self._check_apart(step.values, place, or_same=False)
        self.bytes_of(step.out_values)[:] = best.reshape(-1).view(np.uint8)
        indices = order.astype(np.int32).reshape(-1)
        self.bytes_of(step.out_indices)[:] = indices.view(np.uint8)

    def _ordered(self, buffer: Buffer) -> Array:
        """An array whose dimensions are in the order of its shape."""
        shape = buffer.shape
        slowest_first = tuple(reversed(shape.minor_to_major))
        array = self.array(buffer).reshape([shape.dims[d] for d in slowest_first])
        return array.transpose([slowest_first.index(d) for d in range(len(shape.dims))])


def _strided(flat: Array, rows: int, columns: int, matrix: Matrix) -> Array:
    """A view of a matrix that must lie inside of the array."""
    last = (rows - 1) * matrix.row_stride + (columns - 1) * matrix.col_stride
    assert last < flat.size
    strides = (matrix.row_stride * 4, matrix.col_stride * 4)
    return np.lib.stride_tricks.as_strided(flat, (rows, columns), strides)
