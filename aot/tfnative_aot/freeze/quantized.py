# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is computed of quantized arrays: the calls of the kernels of quantized.h.

A quantized array is a tensor of int32 in the graph, a row of words for each row of the
batch: its bytes, four in a word. Each call is a function of the graph's library. What
it computes is written in TensorFlow's ops there (``quantize/static/reference.py``), by
which the graph is run and compared; XLA gets a call of a kernel in its place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

PREFIX = "tfnative_int8_"
"""How the names of such functions begin."""

Triple = tuple[int, int, int]
"""Depth, height, width."""

LEVELS = 255
"""The largest number that is stored; the smallest one is 0."""


def words(elements: int) -> int:
    """How many words the bytes of a row take."""
    return -(-elements // 4)


@dataclass(frozen=True)
class Quantization:
    """What bytes q stand for: ``(q - zero) * scale``."""

    scale: float
    zero: int


@dataclass(frozen=True)
class Requantize:
    """From results to bytes, as tfn_requantize in quantized.h.

    Attributes:
        zero: Added to what is rounded.
        low: What is less becomes this.
        high: What is more becomes this.
        table: 256 bytes, what is stored for each of them; or None.
    """

    zero: int
    low: int = 0
    high: int = LEVELS
    table: bytes | None = None


@dataclass(frozen=True)
class Window:
    """Where a convolution or pooling looks, as tfn_conv in kernels.h."""

    in_size: Triple
    out_size: Triple
    kernel_size: Triple = (1, 1, 1)
    stride: Triple = (1, 1, 1)
    padding_low: Triple = (0, 0, 0)
    dilation: Triple = (1, 1, 1)


@dataclass(frozen=True)
class Addend:
    """A second operand that is added before results are rounded."""

    scale: float
    zero: int


@dataclass(frozen=True, eq=False)
class Product:
    """A convolution, or a matrix product, as tfn_conv_int8 in quantized.h.

    Attributes:
        window: Over one row.
        weights: (height, width, input channels of a group, output channels).
        bias: (output channels,).
        multiplier: (output channels,), positive and normal.
        groups: How many; as many as input and output channels: depthwise.
        input_zero: Of the input.
        addend: Of the second input, if there is one.
        result: None if the results are floats.
        low: What results in floats are not less than.
        high: And not more than.
    """

    window: Window
    weights: npt.NDArray[np.int8] = field(repr=False)
    bias: npt.NDArray[np.int32] = field(repr=False)
    multiplier: npt.NDArray[np.float32] = field(repr=False)
    groups: int
    input_zero: int
    addend: Addend | None
    result: Requantize | None
    low: float = -math.inf
    high: float = math.inf

    @property
    def in_channels(self) -> int:
        """Of all groups."""
        return int(self.weights.shape[2]) * self.groups

    @property
    def out_channels(self) -> int:
        """Of all groups."""
        return int(self.weights.shape[3])

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel is summed by itself."""
        return 1 < self.groups == self.in_channels == self.out_channels

    @property
    def has_depthwise_kernel(self) -> bool:
        """Whether the kernel for such products computes it: its results are bytes."""
        return self.is_depthwise and self.result is not None

    @property
    def in_elements(self) -> tuple[int, ...]:
        """Elements of a row of each input."""
        first = math.prod(self.window.in_size) * self.in_channels
        return (first, self.out_elements) if self.addend else (first,)

    @property
    def out_elements(self) -> int:
        """Elements of a row of the result."""
        return math.prod(self.window.out_size) * self.out_channels


@dataclass(frozen=True)
class Binary:
    """Two arrays element by element, as tfn_binary_int8 in quantized.h."""

    kind: Literal["add", "multiply"]
    elements: int
    second_elements: int
    zeros: tuple[int, int]
    scales: tuple[float, float]
    result: Requantize

    @property
    def in_elements(self) -> tuple[int, ...]:
        """Elements of a row of each input."""
        return (self.elements, self.second_elements)

    @property
    def out_elements(self) -> int:
        """Elements of a row of the result."""
        return self.elements


@dataclass(frozen=True)
class Unary:
    """One array element by element, as tfn_unary_int8 in quantized.h."""

    kind: Literal["table", "quantize", "dequantize"]
    elements: int
    scale: float
    result: Requantize

    @property
    def in_elements(self) -> tuple[int, ...]:
        """Elements of a row of the input."""
        return (self.elements,)

    @property
    def out_elements(self) -> int:
        """Elements of a row of the result."""
        return self.elements


@dataclass(frozen=True)
class Pool:
    """Pooling, as tfn_pool_int8 in quantized.h."""

    kind: Literal["max", "average"]
    window: Window
    channels: int
    input_zero: int
    multiplier: float
    result: Requantize

    @property
    def in_elements(self) -> tuple[int, ...]:
        """Elements of a row of the input."""
        return (math.prod(self.window.in_size) * self.channels,)

    @property
    def out_elements(self) -> int:
        """Elements of a row of the result."""
        return math.prod(self.window.out_size) * self.channels


@dataclass(frozen=True)
class Join:
    """Arrays side by side, channel after channel, each a multiple of four."""

    pixels: int
    channels: tuple[int, ...]

    @property
    def in_elements(self) -> tuple[int, ...]:
        """Elements of a row of each input."""
        return tuple(self.pixels * count for count in self.channels)

    @property
    def out_elements(self) -> int:
        """Elements of a row of the result."""
        return self.pixels * sum(self.channels)


QuantizedCall = Product | Binary | Unary | Pool | Join


@dataclass(frozen=True)
class PlacedCall:
    """A call, and where it stands in the graph.

    Attributes:
        call: What is computed of each row.
        leading: How many rows it has for each row of the batch; without a batch, how
            many it has.
        node: The node in whose place it is.
        op: Its op.
    """

    call: QuantizedCall
    leading: int
    node: str
    op: str

    def rows(self, batch: int) -> int:
        """How many rows it has; ``batch`` is 0 if there is none."""
        return self.leading * max(batch, 1)


def takes_floats(call: QuantizedCall) -> bool:
    """Whether its input is an array of float32."""
    return isinstance(call, Unary) and call.kind == "quantize"


def gives_floats(call: QuantizedCall) -> bool:
    """Whether its result is an array of float32."""
    if isinstance(call, Unary):
        return call.kind == "dequantize"
    return isinstance(call, Product) and call.result is None
