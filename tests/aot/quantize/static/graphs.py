# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Small graphs of one input, frozen as ``compile`` does it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative_aot.split.divide import Prepared, prepare


def weights(*shape: int) -> npt.NDArray[np.float32]:
    """The same numbers for the same shape."""
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def prepared(function: Callable[..., Any], *shape: int | None) -> Prepared:
    """A function of "x" as a signature."""
    import tensorflow as tf

    from tfnative_aot.load.load_model import load_model

    module = tf.Module()
    spec = tf.TensorSpec(shape, tf.float32, name="x")
    module.call = tf.function(
        lambda x: {"y": tf.identity(function(x))}, input_signature=[spec]
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=module.call)
        model = load_model(Path(folder), tags=("serve",), inputs=None, outputs=None)
        return prepare(model, "serving_default", None)


def frozen(function: Callable[..., Any], *shape: int | None) -> Any:
    """Its graph."""
    return prepared(function, *shape).graph


def save_mixture(folder: Path, shape: tuple[int, int, int]) -> Path:
    """A network of "x" with all that is computed in 8 bits, and "scores"."""
    import tensorflow as tf

    def conv(x: Any, height: int, width: int, channels: int, strides: int = 1) -> Any:
        kernel = weights(height, width, int(x.shape[-1]), channels)
        kernel = kernel / np.sqrt(height * width * int(x.shape[-1]))
        return tf.nn.bias_add(
            tf.nn.conv2d(x, kernel, strides, "SAME"), weights(channels) * 0.1
        )

    def net(x: Any) -> Any:
        a = tf.nn.relu(conv(x, 3, 3, 20))
        b = tf.nn.silu(conv(a, 5, 5, 12, strides=2))
        c = tf.nn.depthwise_conv2d(a, weights(3, 3, 20, 1), [1, 2, 2, 1], "SAME")
        c = conv(tf.nn.relu6(c), 1, 1, 12)
        d = tf.nn.avg_pool2d(tf.concat([b, c], 3), 2, 1, "SAME")
        e = tf.nn.relu(conv(d, 3, 3, 24) + d)
        gate = tf.sigmoid(conv(tf.reduce_mean(e, [1, 2], keepdims=True), 1, 1, 24))
        f = conv(tf.nn.max_pool2d(e * gate, 3, 2, "SAME"), 3, 3, 7)
        g = tf.reshape(f + conv(tf.nn.max_pool2d(e, 3, 2, "SAME"), 1, 1, 7), [-1, 63])
        hidden = tf.nn.gelu(g @ weights(63, 40) * 0.1)
        return {"scores": hidden @ weights(40, 9), "hidden": tf.exp(-hidden)}

    module = tf.Module()
    spec = tf.TensorSpec((None, *shape), tf.float32, name="x")
    module.call = tf.function(net, input_signature=[spec])
    tf.saved_model.save(module, str(folder), signatures=module.call)
    return folder
