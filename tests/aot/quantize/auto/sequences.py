# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A network with recurrent layers, of which each has weights of another size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.aot.quantize.static.graphs import weights

STEPS, INPUTS, UNITS = 3, 40, 32
LAYERS = {
    "loop/given": (INPUTS, UNITS),
    "loop/state": (UNITS, UNITS),
    "unrolled/given": (UNITS, 36),
    "unrolled/state": (36, 36),
    "left": (33, INPUTS),
    "dense": (36, 44),
    "last": (44, 9),
}
"""The shapes of weights; the last two have ranges of samples."""


def samples(count: int, seed: int = 5) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, STEPS, INPUTS)).astype(np.float32)


def _weights(name: str) -> npt.NDArray[np.float32]:
    return weights(*LAYERS[name]) * np.float32(0.5)


def network(x: Any) -> Any:
    """A loop, what is unrolled behind it, and layers with ranges of samples.

    "left" multiplies from the left, which is one product for one row alone.
    """
    import tensorflow as tf

    moved = tf.transpose(x, [1, 0, 2])

    def body(n: Any, h: Any) -> Any:
        given = tf.matmul(moved[n], _weights("loop/given"))
        return n + 1, tf.tanh(given + tf.matmul(h, _weights("loop/state")))

    start = [tf.constant(0), tf.zeros([tf.shape(x)[0], UNITS])]
    loose = [tf.TensorShape([]), tf.TensorShape([None, UNITS])]
    _, h = tf.while_loop(lambda n, _: n < STEPS, body, start, shape_invariants=loose)
    state = tf.zeros([tf.shape(x)[0], 36])
    for _ in range(2):
        given = tf.matmul(h, tf.constant(_weights("unrolled/given")))
        state = tf.tanh(
            given + tf.matmul(state, tf.constant(_weights("unrolled/state")))
        )
        h = h * 0.5
    left = tf.matmul(_weights("left")[None], x, transpose_b=True)
    left = tf.reduce_sum(tf.tanh(left), [1, 2], keepdims=True)[:, 0]
    # A few channels are much larger than all others, before a product in 8 bits.
    large = np.ones(36, np.float32)
    large[:2] = 60
    y = tf.nn.relu(tf.matmul(state * large, _weights("dense") / large[:, None]))
    return {"y": tf.matmul(y, _weights("last")) + left * 0.02}


def save(folder: Path) -> Path:
    """Writes it as a SavedModel whose input is "x"."""
    import tensorflow as tf

    module = tf.Module()
    spec = tf.TensorSpec((None, STEPS, INPUTS), tf.float32, "x")
    module.f = tf.function(network, input_signature=[spec], autograph=False)
    tf.saved_model.save(module, str(folder), signatures=module.f)
    return folder
