# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is subtracted from an equal product leaves nothing, as in TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tests.turns import Once

_RANDOM = np.random.default_rng(5)
ROWS = _RANDOM.normal(size=(24, 33)) * 10.0 ** np.arange(-8, 16)[:, None]


def _computed(x: Any) -> dict[str, Any]:
    y = x * 0.35
    labels = tf.argmax(y, 1)
    one = tf.one_hot(labels, 33, dtype=x.dtype)
    largest = tf.reduce_max(y, 1, keepdims=True)
    return {
        "largest": y - largest,
        "smallest": tf.reduce_min(y, 1)[:, None] - y,
        "squared": tf.math.squared_difference(y, tf.stop_gradient(largest)),
        "determinant": x * x[:, ::-1] - x[:, ::-1] * x,
        "root": tf.sqrt(x * x - tf.square(x)),
        "cross": tf.linalg.cross(x[:, :3], x[:, :3]),
        "softmax": tf.nn.softmax(y),
        "log_softmax": tf.nn.log_softmax(y),
        "logsumexp": tf.reduce_logsumexp(y, 1),
        "loss": tf.nn.softmax_cross_entropy_with_logits(one, y),
        "sparse_loss": tf.nn.sparse_softmax_cross_entropy_with_logits(labels, y),
        "by hand": tf.math.log(tf.reduce_sum(tf.exp(y - largest), 1)),
        "in a branch": tf.cond(
            tf.reduce_any(y > 1), lambda: y * 3 - tf.reduce_max(y * 3), lambda: y
        ),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_products_leave_nothing(once: Once, dtype: str) -> None:
    rows = ROWS.astype(dtype)

    def make(folder: Path) -> Path:
        module = tf.Module()
        spec = tf.TensorSpec(rows.shape, rows.dtype, name="x")
        module.f = tf.function(
            lambda x: {f"y{n}": y for n, y in enumerate(_computed(x).values())},
            input_signature=[spec],
            autograph=False,
        )
        tf.saved_model.save(module, folder / "model", signatures=module.f)
        return tfnative.compile(
            folder / "model", folder / "p", name="p", cpus=["native"]
        )

    wanted = _computed(tf.constant(rows))
    with tfnative.load(once(f"products/{dtype}", make)) as model:
        got = model.predict({"x": rows})
    scale = np.abs(rows).max(1).astype(np.float64)
    epsilon = np.finfo(dtype).eps
    for number, (name, value) in enumerate(wanted.items()):
        given, found = value.numpy(), got[f"y{number}"]
        assert np.isfinite(found).all(), name
        np.testing.assert_array_equal(given == 0, found == 0, name)
        near = 64 * epsilon * np.maximum(np.abs(given).T, scale).T
        if name in ("squared", "determinant", "cross"):
            near = near * scale.reshape([-1] + [1] * (near.ndim - 1))
        assert (np.abs(given - found) <= near).all(), name
