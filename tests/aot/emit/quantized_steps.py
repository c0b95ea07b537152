# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A step for each kernel of quantized arrays, of any sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tfnative_aot.freeze.quantized import (
    Addend,
    Binary,
    Pool,
    Product,
    QuantizedCall,
    Requantize,
    Triple,
    Unary,
    Window,
)
from tfnative_aot.program.memory import Slice
from tfnative_aot.program.steps import Quantized, Source

_SOURCE = Source("hlo.1", "model/dense/MatMul", "MatMul")
_PLAIN = Requantize(3)
_TABLE = Requantize(3, 0, 250, bytes(range(256)))


def product(
    kernel: tuple[int, int],
    channels: int,
    groups: int = 1,
    window: Window | None = None,
    result: Requantize | None = _PLAIN,
) -> Product:
    """With as many input channels as output channels."""
    one: Triple = (1, 1, 1)
    return Product(
        window=window or Window(one, one, (1, *kernel)),
        weights=np.ones((*kernel, channels // groups, channels), np.int8),
        bias=np.zeros(channels, np.int32),
        multiplier=np.ones(channels, np.float32),
        groups=groups,
        input_zero=1,
        addend=None,
        result=result,
    )


def step(call: QuantizedCall, rows: int = 2, inputs: int | None = None) -> Quantized:
    """A step that reads and writes somewhere."""
    count = len(call.in_elements) if inputs is None else inputs
    weights = Slice(2, 0, 16) if isinstance(call, Product) else None
    return Quantized(
        _SOURCE, call, rows, (Slice(0, 0, 16),) * count, Slice(3, 0, 16), weights
    )


_WITH_ADDEND = replace(product((1, 1), 4), addend=Addend(0.5, 2))
_POOLED = Window((1, 2, 2), (1, 1, 1), (1, 2, 2))
QUANTIZED = {
    "int8 product": step(product((1, 1), 4, result=_TABLE)),
    "int8 product with addend": step(_WITH_ADDEND),
    "int8 product of joined operands": step(_WITH_ADDEND, inputs=1),
    "int8 product to floats": step(product((3, 3), 4, result=None)),
    "int8 depthwise product": step(product((3, 3), 4, 4)),
    "int8 sum": step(Binary("add", 8, 8, (1, 2), (0.5, 0.25), _PLAIN)),
    "int8 gate": step(Binary("multiply", 8, 4, (1, 2), (0.5, 1.0), _TABLE)),
    "int8 table": step(Unary("table", 8, 1.0, _TABLE)),
    "to int8": step(Unary("quantize", 8, 0.5, _PLAIN)),
    "from int8": step(Unary("dequantize", 8, 0.5, _PLAIN)),
    "int8 largest": step(Pool("max", _POOLED, 4, 1, 1.0, _PLAIN)),
    "int8 average": step(Pool("average", _POOLED, 4, 1, 0.5, _PLAIN)),
}
"""By what they do."""
