# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How much memory of their own kernels for quantized arrays need: see scratch.py."""

from __future__ import annotations

import math

from tfnative_aot.emit.steps.scratch_size import Scratch
from tfnative_aot.freeze.quantized import Product
from tfnative_aot.program.steps import Quantized

_PANEL = 16
_MOST_PIXELS, _MOST_COPIED, _LEAST_PIXELS, _LONG = 96, 131072, 24, 4096

_DEPTHWISE_CHANNELS, _DEPTHWISE_COLUMNS = 64, 64
_TALL, _TALL_COLUMNS = 4, 36


def quantized_scratch(step: Quantized) -> Scratch | None:
    """What a step needs; nothing but products needs any."""
    call = step.call
    if not isinstance(call, Product):
        return None
    window = call.window
    if call.has_depthwise_kernel:
        return depthwise_int8_scratch(
            window.kernel_size[1],
            window.kernel_size[2],
            window.stride[2],
            window.dilation[2],
        )
    pixels = step.rows * math.prod(window.out_size)
    places = math.prod(window.kernel_size)
    return conv_int8_scratch(pixels, places, call.weights.shape[2])


def depthwise_int8_scratch(
    lines: int, columns: int, stride: int, dilation: int
) -> Scratch:
    """What ``conv_depthwise_int8`` needs.

    Args:
        lines: Of the kernel.
        columns: Of the kernel.
        stride: From pixel to pixel of a line.
        dilation: From column to column of the kernel.
    """
    usual = _TALL_COLUMNS if lines > _TALL else _DEPTHWISE_COLUMNS
    held = max(3 * stride + (columns - 1) * dilation + 1, usual)
    whole = -(-lines // 4) * 4
    return Scratch(
        f"TFN_DEPTHWISE_INT8_SCRATCH_BYTES({lines}, {columns}, {stride}, {dilation})",
        whole * _DEPTHWISE_CHANNELS * (held + 4 * columns),
    )


def conv_int8_scratch(pixels: int, places: int, channels: int) -> Scratch:
    """What ``conv_int8`` and ``conv_int8_to_f32`` need.

    Args:
        pixels: Of the output, with those of all rows of the batch.
        places: In the kernel.
        channels: Of the input, in a group.
    """
    k = places * channels
    most = _LEAST_PIXELS if k > _LONG else min(_MOST_COPIED // k, _MOST_PIXELS)
    return Scratch(
        f"TFN_CONV_INT8_SCRATCH_BYTES({pixels}, {places}, {channels})",
        min(pixels, most) * 2 * (-(-k // _PANEL) * _PANEL),
    )
