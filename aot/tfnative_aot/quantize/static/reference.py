# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the kernels of quantized.h compute, in TensorFlow's ops, to the last bit.

Sums are computed in float64, which holds all of them exactly, and everything else in
float32, each product rounded before anything is added to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.quantized import (
    Binary,
    Join,
    Pool,
    Product,
    QuantizedCall,
    Requantize,
    Unary,
    Window,
    words,
)


def compute(call: QuantizedCall, operands: Sequence[Any]) -> Any:
    """The result of a call.

    Args:
        call: The call.
        operands: Tensors of int32 of shape (rows, words), of float32 for "quantize".

    Returns:
        The result: (rows, words) of int32, or (rows, elements) of float32.
    """
    return _RULES[type(call)](call, *operands)


def _product(call: Product, operand: Any, addend: Any = None) -> Any:
    pixels = _pixels(operand, call.window.in_size, call.in_channels)
    sums = _convolve(call, tf.cast(pixels, tf.float64) - call.input_zero)
    # A sum and its bias fit 32 bits, of which float64 holds more.
    x = tf.cast(sums + call.bias.astype(np.float64), tf.float32) * call.multiplier
    x = tf.reshape(x, [-1, call.out_elements])
    if call.addend is not None:
        other = _differences(addend, call.out_elements, call.addend.zero)
        x += other * np.float32(call.addend.scale)
    if call.result is None:
        return tf.clip_by_value(x, np.float32(call.low), np.float32(call.high))
    return _requantize(x, call.result, call.out_elements)


def _convolve(call: Product, pixels: Any) -> Any:
    window = call.window
    padded = tf.pad(pixels, _padding(window))
    if call.is_depthwise:
        return _convolve_channels(call, padded)
    inputs = tf.split(padded, call.groups, axis=3)
    filters = tf.split(tf.constant(call.weights), call.groups, axis=3)
    results = [
        tf.nn.conv2d(
            part,
            tf.cast(kernel, tf.float64),
            strides=[1, *window.stride[1:], 1],
            padding="VALID",
            dilations=[1, *window.dilation[1:], 1],
        )
        for part, kernel in zip(inputs, filters, strict=True)
    ]
    return tf.concat(results, 3) if len(results) > 1 else results[0]


def _convolve_channels(call: Product, padded: Any) -> Any:
    window = call.window
    # (h, w, 1, channels) as TensorFlow has it: (h, w, channels, 1).
    whole = tf.transpose(tf.constant(call.weights), [0, 1, 3, 2])
    weights = tf.cast(whole, tf.float64)
    down, across = window.stride[1:]
    if down == across and window.dilation == (1, 1, 1):
        strides = [1, down, across, 1]
        return tf.nn.depthwise_conv2d(padded, weights, strides, "VALID")
    return tf.add_n(
        [
            _tap(padded, weights[i, j, :, 0], window, (i, j))
            for i in range(call.weights.shape[0])
            for j in range(call.weights.shape[1])
        ]
    )


def _tap(padded: Any, weights: Any, window: Window, place: tuple[int, int]) -> Any:
    """What one place of a depthwise kernel adds."""
    (top, left) = (p * d for p, d in zip(place, window.dilation[1:], strict=True))
    (height, width), (down, across) = window.out_size[1:], window.stride[1:]
    bottom, right = top + (height - 1) * down + 1, left + (width - 1) * across + 1
    return padded[:, top:bottom:down, left:right:across] * weights


def _padding(window: Window) -> list[list[int]]:
    pads = [[0, 0]]
    for dim in (1, 2):
        reach = (window.kernel_size[dim] - 1) * window.dilation[dim] + 1
        needed = (window.out_size[dim] - 1) * window.stride[dim] + reach
        low = window.padding_low[dim]
        pads.append([low, max(needed - low - window.in_size[dim], 0)])
    return [*pads, [0, 0]]


def _binary(call: Binary, first: Any, second: Any) -> Any:
    a = _differences(first, call.elements, call.zeros[0])
    b = _differences(second, call.second_elements, call.zeros[1])
    repeats = call.elements // call.second_elements
    b = tf.tile(b, [1, repeats]) if repeats > 1 else b
    scales = [np.float32(scale) for scale in call.scales]
    x = a * scales[0] + b * scales[1] if call.kind == "add" else (a * b) * scales[0]
    return _requantize(x, call.result, call.elements)


def _unary(call: Unary, operand: Any) -> Any:
    scale = np.float32(call.scale)
    if call.kind == "quantize":
        x = tf.where(tf.math.is_nan(operand), np.float32(0), operand) * scale
        return _requantize(x, call.result, call.elements)
    if call.kind == "dequantize":
        return _differences(operand, call.elements, call.result.zero) * scale
    return _packed(
        _looked_up(_bytes(operand, call.elements), call.result), call.elements
    )


def _pool(call: Pool, operand: Any) -> Any:
    pixels = _pixels(operand, call.window.in_size, call.channels)
    window = call.window
    options: dict[str, Any] = {
        "ksize": window.kernel_size[1:],
        "strides": window.stride[1:],
        "padding": "VALID",
    }
    pads = _padding(window)
    if call.kind == "max":
        padded = tf.pad(tf.cast(pixels, tf.float32), pads)  # None is less than 0.
        found = tf.cast(tf.nn.max_pool2d(padded, **options), tf.uint8)
        return _packed(tf.reshape(found, [-1, call.out_elements]), call.out_elements)
    places = np.prod(window.kernel_size).astype(np.float64)
    padded = tf.pad(tf.cast(pixels, tf.float64) - call.input_zero, pads)
    sums = tf.round(tf.nn.avg_pool2d(padded, **options) * places)
    there = tf.pad(tf.ones([1, *window.in_size[1:], 1], tf.float64), pads)
    counts = tf.cast(tf.round(tf.nn.avg_pool2d(there, **options) * places), tf.float32)
    x = tf.cast(sums, tf.float32) * (np.float32(call.multiplier) / counts)
    x = tf.reshape(x, [-1, call.out_elements])
    return _requantize(x, call.result, call.out_elements)


def _join(call: Join, *operands: Any) -> Any:
    parts = [
        tf.reshape(_bytes(operand, call.pixels * count), [-1, call.pixels, count])
        for operand, count in zip(operands, call.channels, strict=True)
    ]
    joined = tf.reshape(tf.concat(parts, 2), [-1, call.out_elements])
    return _packed(joined, call.out_elements)


def _requantize(x: Any, result: Requantize, elements: int) -> Any:
    low, high = (np.float32(bound - result.zero) for bound in (result.low, result.high))
    clipped = tf.clip_by_value(tf.round(x), low, high)
    return _packed(
        _looked_up(tf.cast(clipped, tf.int32) + result.zero, result), elements
    )


def _looked_up(numbers: Any, result: Requantize) -> Any:
    if result.table is None:
        return tf.cast(numbers, tf.uint8)
    table = tf.constant(np.frombuffer(result.table, np.uint8))
    return tf.gather(table, tf.cast(numbers, tf.int32))


def _differences(operand: Any, elements: int, zero: int) -> Any:
    """Bytes, less the number that stands for zero, as floats."""
    return tf.cast(tf.cast(_bytes(operand, elements), tf.int32) - zero, tf.float32)


def _pixels(operand: Any, size: tuple[int, int, int], channels: int) -> Any:
    return tf.reshape(
        _bytes(operand, size[1] * size[2] * channels), [-1, size[1], size[2], channels]
    )


def _bytes(operand: Any, elements: int) -> Any:
    """(rows, elements) of uint8."""
    quads = tf.bitcast(operand, tf.uint8)
    return tf.reshape(quads, [-1, 4 * words(elements)])[:, :elements]


def _packed(numbers: Any, elements: int) -> Any:
    """(rows, words) of int32."""
    left = 4 * words(elements) - elements
    padded = tf.pad(numbers, [[0, 0], [0, left]]) if left else numbers
    return tf.bitcast(tf.reshape(padded, [-1, words(elements), 4]), tf.int32)


_RULES: dict[type, Callable[..., Any]] = {
    Product: _product,
    Binary: _binary,
    Unary: _unary,
    Pool: _pool,
    Join: _join,
}
