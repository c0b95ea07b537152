# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of the kernels for quantized arrays, and what quantized.h says they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
_F = np.float32

KERNELS = ["table", "quantize", "dequantize", "add", "multiply", "max", "average"]
KERNELS += ["depthwise"]
"""In the order of the program's numbers."""


@dataclass(frozen=True)
class Result:
    """How numbers are stored: tfn_requantize."""

    zero: int = 0
    low: int = 0
    high: int = 255
    table: Bytes | None = None

    def of(self, x: Floats) -> Bytes:
        """The bytes of numbers x."""
        assert x.dtype == _F
        whole = np.rint(x).astype(np.float64) + self.zero
        q = np.clip(whole, self.low, self.high).astype(np.uint8)
        return q if self.table is None else self.table[q]


@dataclass(frozen=True)
class Window:
    """Which places of the input each place of the output sees; in the order d, h, w."""

    out: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]
    padding_low: tuple[int, ...]
    dilation: tuple[int, ...]

    def places(self, dimension: int, k: int, size: int) -> tuple[Ints, Ints]:
        """What place ``k`` of each window is, and whether it is in the input."""
        at = np.arange(self.out[dimension]) * self.stride[dimension]
        at = at - self.padding_low[dimension] + k * self.dilation[dimension]
        is_in = (at >= 0) & (at < size)
        return np.where(is_in, at, 0), is_in

    def visit(
        self, lhs: Ints, add: Callable[[tuple[int, ...], Ints, Ints], None]
    ) -> None:
        """Calls add(place, values, whether they are in the input) for each place."""
        for place in np.ndindex(*self.size):
            found = [self.places(i, k, lhs.shape[i + 1]) for i, k in enumerate(place)]
            (d, in_d), (h, in_h), (w, in_w) = found
            is_in = in_d[:, None, None] & in_h[:, None] & in_w
            add(place, lhs[:, d][:, :, h][:, :, :, w], is_in[None, ..., None])


@dataclass(frozen=True)
class Call:
    """One call of a kernel.

    Attributes:
        kernel: Of ``KERNELS``.
        lhs: (rows, ...), bytes, or floats to be quantized.
        second: The second array of an operation, or what a convolution adds.
        weights: (h, w, channels) of a convolution, with ``bias`` and ``multiplier``.
        parts: In how many parts the kernel is to do it.
        flushes: Whether numbers that are not normal count as zero.
    """

    kernel: str
    lhs: Bytes | Floats
    result: Result = Result()
    zero: tuple[int, int] = (0, 0)
    scale: tuple[float, float] = (1.0, 1.0)
    second: Bytes | None = None
    window: Window | None = None
    weights: npt.NDArray[np.int8] = field(
        default_factory=lambda: np.zeros((0, 0, 0), np.int8)
    )
    bias: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    multiplier: Floats = field(default_factory=lambda: np.zeros(0, _F))
    parts: int = 1
    flushes: bool = False

    def content(self) -> bytes:
        """For the program."""
        arrays = [_rows(self.lhs), self._packed(), b""]
        if self.second is not None:
            arrays[2] = _rows(self.second)
        elements = self.lhs[0].size
        if self.window is not None:
            elements = self.lhs.shape[-1]
        second = self.second[0].size if self.second is not None else 0
        result = self.result
        head = [KERNELS.index(self.kernel), self.parts, self.flushes]
        head += [result.table is not None, *map(len, arrays), self.out_bytes()]
        head += [*self.zero, result.zero, result.low, result.high]
        head += [len(self.lhs), elements, second, *self._dimensions()]
        table = np.zeros(256, np.uint8) if result.table is None else result.table
        begin = np.array(head, np.int64).tobytes() + np.array(self.scale, _F).tobytes()
        return begin + table.tobytes() + b"".join(arrays)

    def _dimensions(self) -> list[int]:
        if self.window is None:
            return [0] * 18
        w = self.window
        shape = self.lhs.shape[1:-1]
        return [*shape, *w.out, *w.size, *w.stride, *w.padding_low, *w.dilation]

    def _packed(self) -> bytes:
        channels = len(self.bias)
        more = [(0, -channels % 16)]
        weights = np.pad(self.weights, [(0, 0), (0, 0), *more])
        sums = weights.sum(axis=(0, 1), dtype=np.int32)
        behind = (sums, np.pad(self.bias, more), np.pad(self.multiplier, more))
        return b"".join(array.tobytes() for array in (weights, *behind))

    def out_bytes(self) -> int:
        """Of the results, rows of a batch with what lies between them."""
        return len(_rows(self.expected))

    def found(self, said: bytes) -> npt.NDArray[np.uint8]:
        """The results among what the program wrote, as bytes."""
        rows = np.frombuffer(said, np.uint8).reshape(len(self.lhs), -1)
        return rows[:, : self.expected[0].nbytes]

    @cached_property
    def expected(self) -> Bytes | Floats:
        """As quantized.h defines it."""
        with np.errstate(all="ignore"):
            return _DEFINITIONS[self.kernel](self)


def _rows(array: Bytes | Floats) -> bytes:
    rows = np.ascontiguousarray(array).reshape(len(array), -1).view(np.uint8)
    return np.pad(rows, [(0, 0), (0, -rows.shape[1] % 4)], constant_values=99).tobytes()


def _table(call: Call) -> Bytes:
    assert call.result.table is not None
    return call.result.table[call.lhs]


def _quantize(call: Call) -> Bytes:
    x = call.lhs * _F(call.scale[0])
    return call.result.of(np.where(np.isnan(x), _F(0), x))


def _dequantize(call: Call) -> Floats:
    difference = call.lhs.astype(np.int64) - call.result.zero
    return difference.astype(_F) * _F(call.scale[0])


def _operands(call: Call) -> tuple[Ints, Ints]:
    assert call.second is not None
    rows = len(call.lhs)
    first = call.lhs.reshape(rows, -1).astype(np.int64) - call.zero[0]
    second = call.second.reshape(rows, -1).astype(np.int64) - call.zero[1]
    return first, np.tile(second, first.shape[1] // second.shape[1])


def _add(call: Call) -> Bytes:
    a, b = (x.astype(_F) for x in _operands(call))
    return call.result.of(a * _F(call.scale[0]) + b * _F(call.scale[1]))


def _multiply(call: Call) -> Bytes:
    a, b = _operands(call)
    return call.result.of((a * b).astype(_F) * _F(call.scale[0]))


def _max(call: Call) -> Bytes:
    assert call.window is not None
    shape = (len(call.lhs), *call.window.out, call.lhs.shape[-1])
    largest = np.zeros(shape, np.int64)

    def add(_: tuple[int, ...], values: Ints, is_in: Ints) -> None:
        np.maximum(largest, np.where(is_in, values, 0), out=largest)

    call.window.visit(call.lhs.astype(np.int64), add)
    return largest.astype(np.uint8)


def _average(call: Call) -> Bytes:
    assert call.window is not None
    shape = (len(call.lhs), *call.window.out, call.lhs.shape[-1])
    sums, counts = np.zeros(shape, np.int64), np.zeros(shape, np.int64)

    def add(_: tuple[int, ...], values: Ints, is_in: Ints) -> None:
        np.add(sums, np.where(is_in, values, 0), out=sums)
        np.add(counts, is_in, out=counts)

    call.window.visit(call.lhs.astype(np.int64) - call.zero[0], add)
    return call.result.of(sums.astype(_F) * (_F(call.scale[0]) / counts.astype(_F)))


def _depthwise(call: Call) -> Bytes:
    assert call.window is not None
    shape = (len(call.lhs), *call.window.out, call.lhs.shape[-1])
    sums = np.zeros(shape, np.int64) + call.bias
    weights = call.weights.astype(np.int64)

    def add(place: tuple[int, ...], values: Ints, is_in: Ints) -> None:
        np.add(sums, np.where(is_in, values, 0) * weights[place[1:]], out=sums)

    call.window.visit(call.lhs.astype(np.int64) - call.zero[0], add)
    x = sums.astype(_F) * call.multiplier
    if call.second is not None:
        addend = call.second.astype(np.int64).reshape(shape) - call.zero[1]
        x = x + addend.astype(_F) * _F(call.scale[1])
    return call.result.of(x)


_DEFINITIONS: dict[str, Callable[[Call], Bytes | Floats]] = {
    "table": _table,
    "quantize": _quantize,
    "dequantize": _dequantize,
    "add": _add,
    "multiply": _multiply,
    "max": _max,
    "average": _average,
    "depthwise": _depthwise,
}
