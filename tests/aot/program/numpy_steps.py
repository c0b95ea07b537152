# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What steps compute, in NumPy: slow and plain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative_aot.program.expression import (
    Apply,
    Channel,
    ChannelConstant,
    Element,
    Expression,
    Scalar,
)
from tfnative_aot.program.steps import Convolution, Epilogue, ReduceWindow

Array = npt.NDArray[Any]

PANEL = 16


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


_OPERATIONS: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "clamp": lambda low, x, high: np.minimum(np.maximum(x, low), high),
    "negate": np.negative,
    "exponential": np.exp,
    "logistic": _sigmoid,
    "tanh": np.tanh,
}

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "sigmoid": _sigmoid,
    "swish": lambda x: x * _sigmoid(x),
    "tanh": np.tanh,
}


def elementwise(e: Expression, arguments: Sequence[Array], size: int) -> Array:
    """The value of an expression, whose result has ``size`` elements."""
    if isinstance(e, Element):
        assert arguments[e.argument].size == size
        return arguments[e.argument]
    if isinstance(e, Channel):
        return _repeated(arguments[e.argument], size)
    if isinstance(e, ChannelConstant):
        return _repeated(np.frombuffer(e.data, np.float32), size)
    if isinstance(e, Scalar):
        return np.full(size, e.value, np.float32)
    assert isinstance(e, Apply)
    operands = [elementwise(operand, arguments, size) for operand in e.operands]
    return _OPERATIONS[e.operation](*operands)


def _repeated(channels: Array, size: int) -> Array:
    assert size % channels.size == 0
    return np.tile(channels, size // channels.size)


def apply_epilogue(
    sums: Array, epilogue: Epilogue, bias: Array | None, addend: Array | None
) -> Array:
    """As tfn_epilogue of kernels.h; channels are the last dimension of ``sums``."""
    channels = sums.shape[-1]
    if bias is not None:
        assert bias.size >= channels + PANEL  # The kernels read that much.
        assert not bias[channels:].any(), "a bias of more channels than there are"
        sums = sums + bias[:channels]
    if addend is not None:
        sums = sums + addend
    clamped = np.minimum(np.maximum(sums, epilogue.low), epilogue.high)
    return _ACTIVATIONS[epilogue.activation](clamped)


def multiply(left: Array, right: Array) -> Array:
    """A matrix product in double precision."""
    return left.astype(np.float64) @ right.astype(np.float64)


def packed_matrices(flat: Array, groups: int, k: int, n: int) -> Array:
    """Undoes packing: (groups, k, n)."""
    panels = -(-n // PANEL)
    packed = flat.reshape(groups, panels, k, PANEL)
    return packed.transpose(0, 2, 1, 3).reshape(groups, k, panels * PANEL)[:, :, :n]


def convolve(step: Convolution, lhs: Array, rhs: Array) -> Array:
    """Shape (batch, d, h, w, channels), in double precision."""
    image = lhs.astype(np.float64).reshape(step.batch, *step.in_size, step.in_channels)
    weights = _weights(step, rhs).astype(np.float64)
    per_group = step.out_channels // step.groups
    in_group = step.in_channels // step.groups
    out = np.zeros((step.batch, *step.out_size, step.out_channels))
    for at in product(*(range(size) for size in step.out_size)):
        for tap in product(*(range(size) for size in step.kernel_size)):
            source = _source(step, at, tap)
            if source is None:
                continue
            pixel = image[(slice(None), *source)]
            for g in range(step.groups):
                columns = slice(g * per_group, (g + 1) * per_group)
                values = pixel[:, g * in_group : (g + 1) * in_group]
                out[(slice(None), *at, columns)] += (
                    values @ weights[(*tap,)][:, columns]
                )
    return out


def reduce_window(step: ReduceWindow, lhs: Array) -> Array:
    """As a flat array, in double precision."""
    join = {
        "sum": np.add,
        "max": np.maximum,
        "min": np.minimum,
        "max_number": np.fmax,
    }[step.operation]
    image = lhs.astype(np.float64).reshape(step.batch, *step.in_size, step.channels)
    out = np.full((step.batch, *step.out_size, step.channels), step.init)
    for at in product(*(range(size) for size in step.out_size)):
        for tap in product(*(range(size) for size in step.kernel_size)):
            spread = (
                o * stride - low + k * dilation
                for o, stride, low, k, dilation in zip(
                    at,
                    step.stride,
                    step.padding_low,
                    tap,
                    step.window_dilation,
                    strict=True,
                )
            )
            place = tuple(spread)
            if all(0 <= x < n for x, n in zip(place, step.in_size, strict=True)):
                result = out[(slice(None), *at)]
                result[...] = join(result, image[(slice(None), *place)])
    return (out * step.scale).reshape(-1)


def _weights(step: Convolution, rhs: Array) -> Array:
    """Shape (d, h, w, in channels of a group, out channels)."""
    in_group = step.in_channels // step.groups
    shape = (*step.kernel_size, in_group, step.out_channels)
    if step.kernel in ("any", "depthwise"):
        return rhs.reshape(shape)
    assert step.kernel == "packed"
    k = int(np.prod(step.kernel_size)) * in_group
    matrices = packed_matrices(rhs, step.groups, k, step.out_channels // step.groups)
    return matrices.transpose(1, 0, 2).reshape(shape)


def _source(
    step: Convolution, at: tuple[int, ...], tap: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The pixel of the input that meets a place of the kernel, if there is one."""
    place = []
    for d in range(3):
        position = (
            at[d] * step.stride[d]
            + tap[d] * step.window_dilation[d]
            - step.padding_low[d]
        )
        if position % step.base_dilation[d]:
            return None
        position //= step.base_dilation[d]
        if not 0 <= position < step.in_size[d]:
            return None
        place.append(position)
    return tuple(place)
