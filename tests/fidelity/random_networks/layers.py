# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What networks are made of: each layer takes and gives float32 of (rows, ...)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Layer = Callable[[Any, "Weights"], Any]

LARGEST = 4096
"""Elements of a row, at most."""


@dataclass(frozen=True)
class Weights:
    """Draws the weights of a layer.

    Attributes:
        rng: Draws the numbers.
        kind: "plain"; or "zeros", "huge", "tiny" or "mixed" for what some output
            channels are.
    """

    rng: np.random.Generator
    kind: str

    def of(self, *shape: int) -> Floats:
        """Weights, of which the last dimension has the output channels."""
        found = self.rng.normal(size=shape) / np.sqrt(max(np.prod(shape[:-1]), 1))
        factors = np.ones(shape[-1])
        odd = self.rng.integers(shape[-1], size=max(1, shape[-1] // 4))
        choices = {"plain": [1.0], "zeros": [0.0], "huge": [1e4], "tiny": [1e-6]}
        choices["mixed"] = [0.0, 1e3, 1e-4, 1.0]
        factors[odd] = self.rng.choice(choices[self.kind], size=len(odd))
        return (found * factors).astype(np.float32)

    def bias(self, channels: int) -> Floats:
        """Numbers for each channel."""
        return (self.rng.normal(size=channels) * 0.3).astype(np.float32)


def _conv(size: tuple[int, int], channels: int, strides: int, padding: str) -> Layer:
    def layer(x: Any, w: Weights) -> Any:
        import tensorflow as tf

        kernel = w.of(*size, int(x.shape[-1]), channels)
        return tf.nn.conv2d(x, kernel, strides, padding) + w.bias(channels)

    return layer


def _dilated(x: Any, w: Weights) -> Any:
    import tensorflow as tf

    kernel = w.of(3, 3, int(x.shape[-1]), 8)
    return tf.nn.conv2d(x, kernel, 1, "SAME", dilations=2)


def _grouped(x: Any, w: Weights) -> Any:
    import tensorflow as tf

    channels = int(x.shape[-1])
    groups = 2 if channels % 2 == 0 else 1
    return tf.nn.conv2d(x, w.of(3, 3, channels // groups, 2 * channels), 1, "SAME")


def _depthwise(strides: int, multiplier: int, padding: str) -> Layer:
    def layer(x: Any, w: Weights) -> Any:
        import tensorflow as tf

        channels = int(x.shape[-1])
        kernel = w.of(3, 3, multiplier, channels).transpose(0, 1, 3, 2)
        found = tf.nn.depthwise_conv2d(x, kernel, [1, strides, strides, 1], padding)
        return tf.nn.bias_add(found, w.bias(channels * multiplier))

    return layer


def _dense(units: int) -> Layer:
    def layer(x: Any, w: Weights) -> Any:
        import tensorflow as tf

        return tf.tensordot(x, w.of(int(x.shape[-1]), units), 1) + w.bias(units)

    return layer


def _flat(x: Any, w: Weights) -> Any:
    import tensorflow as tf

    flat = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
    return tf.matmul(flat, w.of(int(flat.shape[1]), 17)) + w.bias(17)


def _pool(kind: str, size: int, strides: int, padding: str) -> Layer:
    def layer(x: Any, _: Weights) -> Any:
        import tensorflow as tf

        pool = tf.nn.max_pool2d if kind == "max" else tf.nn.avg_pool2d
        return pool(x, size, strides, padding)

    return layer


def _activation(name: str) -> Layer:
    def layer(x: Any, _: Weights) -> Any:
        import tensorflow as tf

        of: dict[str, Callable[[Any], Any]] = {
            "elu": tf.nn.elu,
            "gelu": tf.nn.gelu,
            "hard_swish": lambda x: x * tf.nn.relu6(x + 3) / 6,
            "leaky": tf.nn.leaky_relu,
            "relu": tf.nn.relu,
            "relu6": tf.nn.relu6,
            "sigmoid": tf.sigmoid,
            "swish": lambda x: x * tf.sigmoid(x),
            "tanh": tf.tanh,
        }
        return of[name](x)

    return layer


def _softmax(x: Any, _: Weights) -> Any:
    import tensorflow as tf

    return tf.nn.softmax(x)


def _normalized(x: Any, w: Weights) -> Any:
    import tensorflow as tf

    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    channels = int(x.shape[-1])
    scaled = (x - mean) * tf.math.rsqrt(variance + 1e-3)
    return scaled * (1 + w.bias(channels)) + w.bias(channels)


def _scaled(x: Any, w: Weights) -> Any:
    return x * (1 + w.bias(int(x.shape[-1]))) + w.bias(int(x.shape[-1]))


def _mean(x: Any, _: Weights) -> Any:
    import tensorflow as tf

    return tf.reduce_mean(x, list(range(1, len(x.shape) - 1)))


def _pad(x: Any, _: Weights) -> Any:
    import tensorflow as tf

    return tf.pad(x, [[0, 0], [1, 0], [0, 2], [0, 0]])


def _resize(method: str) -> Layer:
    def layer(x: Any, _: Weights) -> Any:
        import tensorflow as tf

        size = [2 * int(x.shape[1]), int(x.shape[2]) + 1]
        return tf.image.resize(x, size, method)

    return layer


def _transposed(x: Any, _: Weights) -> Any:
    import tensorflow as tf

    order = list(range(1, len(x.shape)))
    return tf.transpose(x, [0, *order[::-1]])


def _turned(x: Any, _: Weights) -> Any:
    import tensorflow as tf

    return tf.reverse(x, [1])


def _halves(x: Any, _: Weights) -> Any:
    import tensorflow as tf

    first, second = tf.split(x, 2, axis=-1)
    return first * tf.sigmoid(second)


def _gate(x: Any, w: Weights) -> Any:
    """Squeeze and excitation."""
    import tensorflow as tf

    channels = int(x.shape[-1])
    mean = tf.reduce_mean(x, [1, 2], keepdims=True)
    return x * tf.sigmoid(tf.nn.conv2d(mean, w.of(1, 1, channels, channels), 1, "SAME"))


def _residual(x: Any, w: Weights) -> Any:
    import tensorflow as tf

    channels = int(x.shape[-1])
    return tf.nn.relu(x + tf.nn.conv2d(x, w.of(3, 3, channels, channels), 1, "SAME"))


def _shifted(x: Any, w: Weights) -> Any:
    """A residual sum in which the other operand is moved."""
    import tensorflow as tf

    channels = int(x.shape[-1])
    return tf.reverse(x, [1]) + tf.tensordot(x, w.of(channels, channels), 1)


def _joined(x: Any, w: Weights) -> Any:
    import tensorflow as tf

    kernel = w.of(1, 1, int(x.shape[-1]), 8)
    return tf.concat([x, tf.nn.conv2d(x, kernel, 1, "SAME")], -1)


def _sequence(x: Any, _: Weights) -> Any:
    import tensorflow as tf

    return tf.reshape(x, [-1, int(np.prod(x.shape[1:-1])), int(x.shape[-1])])


def _recurrent(x: Any, w: Weights) -> Any:
    """A loop over places, as recurrent layers have it."""
    import tensorflow as tf

    steps = min(int(x.shape[1]), 5)
    kernel, own = w.of(int(x.shape[2]), 48), w.of(48, 48)
    moved = tf.transpose(x[:, :steps], [1, 0, 2])

    def body(n: Any, h: Any) -> Any:
        return n + 1, tf.tanh(tf.matmul(moved[n], kernel) + tf.matmul(h, own))

    zeros = tf.zeros([tf.shape(x)[0], 48])
    return tf.while_loop(lambda n, _: n < steps, body, [tf.constant(0), zeros])[1]


def _unrolled(x: Any, w: Weights) -> Any:
    import tensorflow as tf

    kernel, own = w.of(int(x.shape[2]), 48), w.of(48, 48)
    h = tf.zeros([tf.shape(x)[0], 48])
    for place in tf.unstack(x, axis=1)[:4]:
        h = tf.tanh(tf.matmul(place, kernel) + tf.matmul(h, own))
    return h


def _attention(x: Any, w: Weights) -> Any:
    import tensorflow as tf

    channels = int(x.shape[2])
    q, k, v = (tf.tensordot(x, w.of(channels, 16), 1) for _ in range(3))
    weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / 4)
    return tf.matmul(weights, v)


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3


def _is_wide_image(shape: tuple[int, ...]) -> bool:
    return _is_image(shape) and min(shape[:2]) >= 3


def _is_sequence(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2


def _is_any(shape: tuple[int, ...]) -> bool:
    return True


def _has_places(shape: tuple[int, ...]) -> bool:
    return len(shape) > 1


def _is_even(shape: tuple[int, ...]) -> bool:
    return shape[-1] % 2 == 0


LAYERS: dict[str, tuple[Layer, Callable[[tuple[int, ...]], bool]]] = {
    "conv1": (_conv((1, 1), 8, 1, "VALID"), _is_image),
    "conv3": (_conv((3, 3), 12, 1, "SAME"), _is_image),
    "conv3_one": (_conv((3, 3), 1, 1, "SAME"), _is_image),
    "conv3_stride": (_conv((3, 3), 17, 2, "VALID"), _is_wide_image),
    "conv_odd": (_conv((1, 3), 3, 2, "SAME"), _is_image),
    "dilated": (_dilated, _is_wide_image),
    "grouped": (_grouped, _is_image),
    "depthwise": (_depthwise(1, 1, "SAME"), _is_image),
    "depthwise_stride": (_depthwise(2, 1, "VALID"), _is_wide_image),
    "depthwise_two": (_depthwise(1, 2, "SAME"), _is_image),
    "dense": (_dense(17), _is_any),
    "dense_large": (_dense(64), _is_any),
    "dense_one": (_dense(1), _is_any),
    "flat": (_flat, _is_any),
    "max_pool": (_pool("max", 3, 2, "SAME"), _is_image),
    "max_pool_valid": (_pool("max", 2, 1, "VALID"), _is_wide_image),
    "average_pool": (_pool("average", 3, 1, "SAME"), _is_image),
    "average_pool_valid": (_pool("average", 2, 2, "VALID"), _is_wide_image),
    **{
        name: (_activation(name), _is_any)
        for name in (
            *("elu", "gelu", "hard_swish", "leaky", "relu", "relu6"),
            *("sigmoid", "swish", "tanh"),
        )
    },
    "softmax": (_softmax, _is_any),
    "normalized": (_normalized, _is_any),
    "scaled": (_scaled, _is_any),
    "mean": (_mean, _has_places),
    "pad": (_pad, _is_image),
    "resize": (_resize("bilinear"), _is_image),
    "resize_nearest": (_resize("nearest"), _is_image),
    "transposed": (_transposed, _has_places),
    "turned": (_turned, _has_places),
    "halves": (_halves, _is_even),
    "gate": (_gate, _is_image),
    "residual": (_residual, _is_image),
    "shifted": (_shifted, _has_places),
    "joined": (_joined, _is_image),
    "sequence": (_sequence, _is_image),
    "recurrent": (_recurrent, _is_sequence),
    "unrolled": (_unrolled, _is_sequence),
    "attention": (_attention, _is_sequence),
}
"""Each with the rows that it takes."""
