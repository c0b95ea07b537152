# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Brings constant weights into the form that our kernels read.

The packed form is the same for every batch size and CPU level, so that all
variants of an artifact share one copy of the weights, whatever memory order XLA
chose for each of them. This is why XLA's own matrix products with a constant are
replaced as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tfnative_aot.program.memory import Allocation, Buffer, Constant, Shape, Slice
from tfnative_aot.program.passes.packing import FloatArray, pack_filter, pack_matrix
from tfnative_aot.program.passes.packing_int8 import MOST_K, pack_int8_matrix
from tfnative_aot.program.passes.stored_weights import (
    FLOATS,
    StoredWeights,
    Weights,
    stored,
)
from tfnative_aot.program.passes.winograd import pack_winograd, taps_are_alike
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    NO_EPILOGUE,
    Call,
    Conditional,
    ConvKernel,
    Convolution,
    Dot,
    Kernel,
    Matrix,
    Step,
    While,
)

FEWEST_COLUMNS = 4
"""A matrix with fewer columns would be mostly padding."""

_MOST_OF_ONE_LOOP = 3
_LONGEST_OF_ONE_LOOP = 256
"""XLA multiplies matrices whose results have at most so many rows and columns in one
loop, with errors that grow with its length. Our kernel's do not."""

_FEWEST_WINOGRAD_CHANNELS = 16
_SMALLEST_WINOGRAD_IMAGE = 7
_MOST_WINOGRAD_BYTES = 12 << 20
"""Larger weights would rather be read from memory once than be four times as large."""


def pack_weights(
    program: Program, *, winograd: bool = True, weights: Weights = FLOATS
) -> Program:
    """Replaces constant f32 weights by packed ones, and plain dots by our kernel.

    Args:
        program: As decoded.
        winograd: Whether Winograd's algorithm may compute convolutions, which is
            faster, rounds a little more, and needs four times the weights.
        weights: How weights are stored, and multiplied with.
    """
    return _Packer(program, winograd, weights).run()


@dataclass(frozen=True)
class _Packed:
    """Weights as steps read them; the scale is there if they are in s8."""

    weights: Buffer
    scale: Buffer | None


class _Packer:
    def __init__(self, program: Program, winograd: bool, weights: Weights) -> None:
        self._program = program
        self._winograd = winograd
        self._weights = weights
        self._allocations = list(program.allocations)
        self._constants = dict(program.constants)
        self._packed: dict[tuple[int, ...], _Packed] = {}

    def run(self) -> Program:
        steps = self._sequence(self._program.steps)
        return replace(
            self._program,
            steps=steps,
            allocations=tuple(self._allocations),
            constants=self._constants,
        )

    def _sequence(self, steps: Iterable[Step]) -> tuple[Step, ...]:
        return tuple(self._step(step) for step in steps)

    def _step(self, step: Step) -> Step:
        if isinstance(step, Kernel) and step.dot is not None:
            packed = self._dot(step.dot)
            return packed if packed.packed or _is_long_loop(packed) else step
        if isinstance(step, Dot):
            return self._dot(step)
        if isinstance(step, Convolution):
            return self._convolution(step)
        if isinstance(step, While):
            return replace(
                step,
                condition=self._sequence(step.condition),
                body=self._sequence(step.body),
            )
        if isinstance(step, Conditional):
            return replace(
                step, branches=tuple(self._sequence(b) for b in step.branches)
            )
        if isinstance(step, Call):
            return replace(step, steps=self._sequence(step.steps))
        return step

    def _dot(self, dot: Dot) -> Dot:
        if dot.dtype != "f32" or dot.batch != 1:
            return dot
        if self._array(dot.rhs) is None and self._array(dot.lhs) is not None:
            dot = _transposed(dot)
        weights = self._array(dot.rhs)
        if weights is None or dot.n < FEWEST_COLUMNS or dot.k == 0:
            return dot
        strides = (dot.rhs_matrix.row_stride * 4, dot.rhs_matrix.col_stride * 4)
        matrix = np.lib.stride_tricks.as_strided(weights, (dot.k, dot.n), strides)
        # The same weights may be read as different matrices.
        in_int8 = self._weights.computes_in_int8(dot.source)
        key = (dot.rhs.slice.allocation, dot.k, dot.n, *strides, int(in_int8))
        if key not in self._packed:
            self._packed[key] = self._add(self._matrix(matrix, in_int8))
        found = self._packed[key]
        return replace(
            dot,
            rhs=found.weights,
            scale=found.scale,
            packed=True,
            in_int8=found.weights.shape.dtype == "u8",
        )

    def _matrix(self, matrix: FloatArray, in_int8: bool) -> StoredWeights:
        k, n = matrix.shape
        packed = pack_matrix(matrix)
        form = stored(packed, "s8" if in_int8 else self._weights.dtype, n)
        if in_int8 and form.scale is None:
            return stored(packed, self._weights.dtype, n)
        if form.scale is None or not in_int8 or k > MOST_K:
            return form
        scale = form.scale[:n]
        whole = np.rint(matrix / scale).astype(np.int8)
        return StoredWeights("u8", pack_int8_matrix(whole, scale))

    def _convolution(self, step: Convolution) -> Convolution | Dot:
        if step.dtype != "f32":
            return step
        if self._weights.computes_in_int8(step.source) and _is_pointwise(step):
            dot = self._dot(_as_product(step))
            if dot.in_int8:
                return dot
        if _is_depthwise(step):
            return replace(step, kernel="depthwise")
        flat = self._array(step.rhs)
        if flat is None:
            return step
        weights = flat.reshape(step.rhs.shape.dims)
        winograd = self._winograd and _suits_winograd(step) and taps_are_alike(weights)
        key = (step.rhs.slice.allocation, step.groups, int(winograd))
        if key not in self._packed:
            self._packed[key] = self._add(self._filter(step, weights, winograd))
        found = self._packed[key]
        is_transformed = winograd and found.weights.shape.dtype == "f32"
        kernel: ConvKernel = "winograd" if is_transformed else "packed"
        return replace(step, rhs=found.weights, scale=found.scale, kernel=kernel)

    def _filter(
        self, step: Convolution, weights: FloatArray, winograd: bool
    ) -> StoredWeights:
        """In a smaller type, or else for Winograd's algorithm, or as they are."""
        if winograd and self._weights.dtype == "f32":
            return StoredWeights("f32", pack_winograd(weights))
        packed = pack_filter(weights, step.groups)
        small = stored(packed, self._weights.dtype, step.out_channels // step.groups)
        if winograd and small.dtype == "f32":
            return StoredWeights("f32", pack_winograd(weights))
        return small

    def _array(self, buffer: Buffer) -> FloatArray | None:
        """A constant as a flat array in memory order, or None if it is none."""
        constant = self._constants.get(buffer.slice.allocation)
        if constant is None or buffer.slice.size != len(constant.data):
            return None
        return np.frombuffer(constant.data, np.float32)

    def _add(self, form: StoredWeights) -> _Packed:
        """New constants."""
        scale = form.scale
        return _Packed(
            self._add_constant(form.array, form.dtype),
            None if scale is None else self._add_constant(scale, "f32"),
        )

    def _add_constant(self, array: npt.NDArray[np.generic], dtype: str) -> Buffer:
        index = len(self._allocations)
        self._allocations.append(Allocation(index, array.nbytes, "constant"))
        order = tuple(reversed(range(array.ndim)))
        shape = Shape(dtype, array.shape, order)
        self._constants[index] = Constant(shape, array.tobytes())
        return Buffer(Slice(index, 0, array.nbytes), shape)


def _is_depthwise(step: Convolution) -> bool:
    """Whether conv_depthwise_f32 takes it."""
    return (
        1 < step.groups == step.in_channels == step.out_channels
        and (step.in_size[0], step.out_size[0], step.kernel_size[0]) == (1, 1, 1)
        and step.padding_low[0] == 0
        and step.base_dilation == (1, 1, 1)
    )


def _is_pointwise(step: Convolution) -> bool:
    """Whether it multiplies every pixel, where it is, with one matrix."""
    one = (1, 1, 1)
    return (
        (step.kernel_size, step.stride, step.base_dilation) == (one, one, one)
        and step.padding_low == (0, 0, 0)
        and step.in_size == step.out_size
        and step.groups == 1
    )


def _as_product(step: Convolution) -> Dot:
    m, k, n = (
        step.batch * math.prod(step.out_size),
        step.in_channels,
        step.out_channels,
    )
    return Dot(
        *(step.source, step.dtype, 1, m, n, k, step.lhs, step.rhs, step.out),
        lhs_matrix=Matrix(m * k, k, 1),
        rhs_matrix=Matrix(k * n, n, 1),
        out_matrix=Matrix(m * n, n, 1),
    )


def _suits_winograd(step: Convolution) -> bool:
    """Whether conv_winograd_f32 takes it, and is faster at every batch size.

    The choice must not depend on the batch size: variants share their weights.
    """
    one = (1, 1, 1)
    return (
        step.kernel_size == (1, 3, 3)
        and step.in_size[0] == 1
        and step.padding_low[0] == 0
        and (step.groups, step.stride) == (1, one)
        and (step.base_dilation, step.window_dilation) == (one, one)
        and min(step.in_channels, step.out_channels) >= _FEWEST_WINOGRAD_CHANNELS
        and min(step.out_size[1:]) >= _SMALLEST_WINOGRAD_IMAGE
        and 36 * 4 * step.in_channels * step.out_channels <= _MOST_WINOGRAD_BYTES
    )


def _is_long_loop(dot: Dot) -> bool:
    """Whether XLA would add up many products one after the other.

    It does so for results of a few numbers, and for a vector times a matrix whose rows
    it reads one after the other.
    """
    if (
        dot.dtype != "f32"
        or dot.epilogue != NO_EPILOGUE
        or dot.k <= _LONGEST_OF_ONE_LOOP
    ):
        return False
    if max(dot.m, dot.n) <= _MOST_OF_ONE_LOOP:
        return True
    return (dot.m == 1 and dot.rhs_matrix.col_stride == 1) or (
        dot.n == 1 and dot.lhs_matrix.row_stride == 1
    )


def _transposed(dot: Dot) -> Dot:
    """The same product as out' = rhs' x lhs', which puts the constant right."""
    return replace(
        dot,
        m=dot.n,
        n=dot.m,
        lhs=dot.rhs,
        rhs=dot.lhs,
        lhs_matrix=dot.rhs_matrix.transposed,
        rhs_matrix=dot.lhs_matrix.transposed,
        out_matrix=dot.out_matrix.transposed,
    )
