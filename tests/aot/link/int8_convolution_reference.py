# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Quantized convolutions as quantized.h defines them, in NumPy."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfnative_aot.program.passes.packing_int8 import pack_int8_filter

Bytes = npt.NDArray[np.uint8]
Results = npt.NDArray[np.generic]
Sizes = tuple[int, int, int]
_F = np.float32


@dataclass
class Convolution:
    """A convolution, its arrays, and how it is asked for.

    Attributes:
        x: (batch, d, h, w, channels), quantized.
        weights: (kd, kh, kw, channels of a group, out channels).
        bias: Of each out channel.
        multiplier: Of each out channel.
        groups: Of channels.
        out: Size of the output.
        stride: Of the window.
        padding: Before the first element.
        dilation: Of the window.
        input_zero: What the padding holds.
        zero: Of the result.
        bounds: Of the result's bytes.
        addend: As the result, or None.
        addend_zero: Of the addend.
        addend_scale: Of the addend.
        adds_in_place: The result takes the place of the addend.
        table: What bytes become at last, or None.
        clamp: Bounds of floats; None for results in bytes.
        parts: In how many parts the kernel is to do it.
    """

    x: Bytes
    weights: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    multiplier: npt.NDArray[np.float32]
    groups: int
    out: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    input_zero: int
    zero: int = 0
    bounds: tuple[int, int] = (0, 255)
    addend: Bytes | None = None
    addend_zero: int = 0
    addend_scale: float = 1.0
    adds_in_place: bool = False
    table: Bytes | None = None
    clamp: tuple[float, float] | None = None
    parts: int = 1

    def content(self) -> bytes:
        """For the program."""
        batch, *size, channels = self.x.shape
        packed = pack_int8_filter(self.weights, self.bias, self.multiplier, self.groups)
        lhs = _quantized_array(self.x)
        sizes = [batch, channels, self.weights.shape[-1], self.groups]
        sizes += [*size, *self.out, *self.weights.shape[:3]]
        sizes += [*self.stride, *self.padding, *self.dilation]
        sizes += [self.input_zero, self.addend_zero, self.zero, *self.bounds]
        has_addend, has_table = self.addend is not None, self.table is not None
        sizes += [has_addend, self.adds_in_place, has_table]
        sizes += [self.clamp is not None, self.parts]
        sizes += [len(lhs), packed.size, self.result_bytes()]
        numbers = [self.addend_scale, *(self.clamp or (0, 0))]
        return b"".join(
            [
                np.array(sizes, np.int64).tobytes(),
                np.array(numbers, np.float64).tobytes(),
                lhs,
                packed.tobytes(),
                b"" if self.table is None else self.table.tobytes(),
                b"" if self.addend is None else _quantized_array(self.addend),
            ]
        )

    def result_shape(self) -> tuple[int, ...]:
        """(batch, d, h, w, channels)."""
        return (self.x.shape[0], *self.out, self.weights.shape[-1])

    def result_bytes(self) -> int:
        """Of what the program writes."""
        batch, *row = self.result_shape()
        elements = math.prod(row)
        if self.clamp is not None:
            return 4 * batch * elements
        return (batch - 1) * _row_bytes(elements) + elements

    def result(self, said: bytes) -> Results:
        """What the program has written, without what is between rows."""
        shape = self.result_shape()
        if self.clamp is not None:
            return np.frombuffer(said, np.int32).reshape(shape)
        elements = math.prod(shape[1:])
        padded = said.ljust(shape[0] * _row_bytes(elements))
        rows = np.frombuffer(padded, np.uint8).reshape(shape[0], -1)
        return rows[:, :elements].reshape(shape)

    def expected(self) -> Results:
        """The result: bytes, or the bits of floats."""
        with np.errstate(over="ignore"):
            x = self._sums().astype(_F) * self.multiplier
        assert x.dtype == _F
        if self.clamp is not None:
            return np.clip(x, _F(self.clamp[0]), _F(self.clamp[1])).view(np.int32)
        if self.addend is not None:
            added = (self.addend.astype(np.int64) - self.addend_zero).astype(_F)
            x = x + added * _F(self.addend_scale)
        # Far more than any bound, but no infinity.
        whole = np.rint(np.clip(x, _F(-(2**20)), _F(2**20))).astype(np.int64)
        q = np.clip(whole + self.zero, *self.bounds)
        return (q if self.table is None else self.table[q]).astype(np.uint8)

    def _sums(self) -> npt.NDArray[np.int64]:
        """Exact ones: products and sums in floats of 64 bits stay below 2^53."""
        n = self.weights.shape[-1] // self.groups
        c = self.weights.shape[3]
        sums = np.zeros(self.result_shape())
        for place in np.ndindex(*self.weights.shape[:3]):
            seen = self._seen(place).astype(np.float64) - self.input_zero
            for g in range(self.groups):
                of_group = slice(g * n, (g + 1) * n)
                w = self.weights[place][:, of_group].astype(np.float64)
                sums[..., of_group] += seen[..., g * c : (g + 1) * c] @ w
        return sums.astype(np.int64) + self.bias

    def _seen(self, place: tuple[int, ...]) -> Bytes:
        """What each pixel of the output sees at a place of the kernel."""
        seen = np.full((*self.result_shape()[:-1], self.x.shape[-1]), self.input_zero)
        at = []
        for d in range(3):
            first = place[d] * self.dilation[d] - self.padding[d]
            at.append(np.arange(self.out[d]) * self.stride[d] + first)
        for o in itertools.product(*map(range, self.out)):
            i = [int(at[d][o[d]]) for d in range(3)]
            if all(0 <= i[d] < self.x.shape[d + 1] for d in range(3)):
                seen[:, o[0], o[1], o[2]] = self.x[:, i[0], i[1], i[2]]
        return seen.astype(np.uint8)


def _row_bytes(elements: int) -> int:
    return -(-elements // 4) * 4


def _quantized_array(x: Bytes) -> bytes:
    """Rows begin at multiples of four bytes; nothing is behind the last one."""
    rows = x.reshape(len(x), -1)
    padding = _row_bytes(rows.shape[1]) - rows.shape[1]
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=200).tobytes()
    return padded[: len(padded) - padding]
