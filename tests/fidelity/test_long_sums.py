# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Sums of many numbers are as near to the true ones as TensorFlow's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.fidelity.compiled import both
from tests.turns import Once

pytestmark = pytest.mark.slow  # A compilation of many sums.

ALLOWED = 32 * np.finfo(np.float32).eps
"""Of the largest result, as far as checks of compiled models let it be."""
NUMBERS = 72_000


def sums(x: Any) -> dict[str, Any]:
    """By what is summed, of (2, NUMBERS)."""
    image = tf.reshape(x, [2, 120, 200, 3])
    channels = tf.reshape(x, [2, NUMBERS // 24, 24])
    row, column = tf.expand_dims(x, 1), tf.expand_dims(x, 2)
    three = tf.reshape(x, [2, 3, NUMBERS // 3])
    places = tf.reshape(x, [2, NUMBERS // 3, 3])
    long = tf.reshape(x, [2, 24, NUMBERS // 24])
    one = tf.ones([NUMBERS, 1], x.dtype) / 3
    window = tf.ones([20, 120, 3, 5], x.dtype) / 3
    return {
        "rows": tf.reduce_sum(x, 1),
        "columns": tf.reduce_sum(tf.transpose(x), 0),
        "image": tf.reduce_sum(image, [1, 2, 3]),
        "places": tf.reduce_mean(image, [1, 2]),
        "places of many channels": tf.reduce_mean(channels, 1),
        "squares": tf.reduce_sum(x * x, 1),
        "exponentials": tf.math.reduce_logsumexp(x, 1),
        "norm": tf.norm(x, axis=1),
        "largest windows": tf.nn.avg_pool2d(image, [120, 200], 1, "VALID"),
        "running": tf.cumsum(x, 1),
        "product with itself": tf.matmul(row, column),
        "products of three": tf.matmul(three, three, transpose_b=True),
        "einsum": tf.einsum("bik,bjk->ij", three, three),
        "columns with themselves": tf.einsum("bdh,bdh->bh", places, places),
        "channels with themselves": tf.einsum("bdh,bdh->bh", channels, channels),
        "places with themselves": tf.einsum("bijk,bijk->bk", image, image),
        "vector by three": tf.einsum("bdh,bd->bh", places, three[:, 0]),
        "vector by channels": tf.einsum("bdh,bd->bh", channels, three[:, 1, :3000]),
        "three by vector": tf.einsum("bhd,bd->bh", three, three[:, 0]),
        "channels by vector": tf.einsum("bhd,bd->bh", long, long[:, 0]),
        "one query": tf.einsum("bqd,bdk->bqk", three[:, :1], places),
        "one column": tf.einsum("bkm,bnk->bmn", places, three[:, :1]),
        "dense": tf.matmul(x, one),
        "dense of three": tf.matmul(x, tf.tile(one, [1, 3])),
        "dense of twenty": tf.matmul(x, tf.tile(one, [1, 20])),
        "convolution": tf.nn.conv2d(image, window, 20, "VALID"),
        "separate channels": tf.nn.depthwise_conv2d(
            image, window[..., :2], [1, 20, 20, 1], "VALID"
        ),
    }


def test_errors_do_not_grow_with_the_number_of_numbers(once: Once) -> None:
    random = np.random.default_rng(1)
    inputs = {
        # All of their errors have the same sign.
        "equal": np.full((2, NUMBERS), 0.1, np.float32),
        "positive": random.uniform(0.5, 1.5, (2, NUMBERS)).astype(np.float32),
        "any": random.standard_normal((2, NUMBERS)).astype(np.float32),
    }

    def all_sums(*arrays: Any) -> dict[str, Any]:
        return {
            f"{kind}: {name}": each
            for kind, x in zip(inputs, arrays, strict=True)
            for name, each in sums(x).items()
        }

    found, wanted = both(once, "long sums", all_sums, inputs)
    far = []
    for kind, x in inputs.items():
        for name, true in sums(tf.constant(x, tf.float64)).items():
            largest = np.max(np.abs(true))
            ours, theirs = (
                np.max(np.abs(answers[f"{kind}: {name}"] - true)) / largest
                for answers in (found, wanted)
            )
            if ours > max(ALLOWED, theirs):
                far.append(f"{kind}: {name}: {ours:.1e}, TensorFlow's {theirs:.1e}")
    assert not far
