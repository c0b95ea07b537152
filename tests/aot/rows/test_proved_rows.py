# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rows that are proved independent are, in TensorFlow, in random functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.aot.rows.functions import count, real, verdict_on

WIDTH = 4
Step = Callable[[Any], Any]

# Each takes and gives (rows, WIDTH) float32. Some mix rows.
STEPS: dict[str, Step] = {
    "scale": lambda x: x * 0.5 + 1.0,
    "tanh": tf.tanh,
    "product": lambda x: x @ tf.ones([WIDTH, WIDTH]),
    "softmax": tf.nn.softmax,
    "sort": tf.sort,
    "reverse": lambda x: tf.reverse(x, [1]),
    "flat": lambda x: tf.reshape(tf.reshape(x, [-1]) + 1.0, [-1, WIDTH]),
    "outer": lambda x: tf.reduce_sum(x[:, :, None] * x[:, None, :], 2),
    "halves": lambda x: tf.concat([x[:, 2:], x[:, :2]], 1),
    "transposed twice": lambda x: tf.transpose(tf.cumsum(tf.transpose(x), 0)),
    "split rows": lambda x: tf.reshape(
        tf.transpose(tf.reshape(x, [-1, 2, 2]), [0, 2, 1]), [-1, WIDTH]
    ),
    "stack and sum": lambda x: tf.reduce_sum(tf.stack([x, x * 2.0], 0), 0),
    "tile rows": lambda x: tf.reduce_sum(
        tf.reshape(tf.tile(x, [3, 1]), [3, -1, WIDTH]), 0
    ),
    "by order": lambda x: tf.gather(x, tf.argsort(x), batch_dims=1),
    "own rows": lambda x: tf.gather(x, tf.range(count(x))),
    "mapped": lambda x: tf.vectorized_map(lambda row: tf.cumsum(row) + 1.0, x),
    # These mix.
    "cumsum": lambda x: tf.cumsum(x, 0),
    "first": lambda x: x - x[:1],
    "mean": lambda x: x - tf.reduce_mean(x, 0),
    "count": lambda x: x / real(count(x)),
    "number": lambda x: x + real(tf.range(count(x)))[:, None],
    "roll": lambda x: tf.roll(x, 1, 0),
    "shuffled": lambda x: tf.reshape(tf.transpose(x), [-1, WIDTH]),
    "pairs": lambda x: tf.reshape(
        tf.reverse(tf.reshape(tf.tile(x, [2, 1]), [-1, 2 * WIDTH]), [1]), [-1, WIDTH]
    )[: count(x)],
}


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4), st.data())
def test_a_proved_function_gives_each_row_the_same_in_any_batch(
    names: list[str], data: st.DataObject
):
    def function(x: Any) -> Any:
        for name in names:
            x = STEPS[name](x)
        return x

    if verdict_on(function, WIDTH).kind != "proved":
        return
    seed = data.draw(st.integers(0, 99))
    rows = np.random.default_rng(seed).standard_normal((11, WIDTH)).astype(np.float32)
    whole = function(tf.constant(rows)).numpy()
    for chosen in ([0], [3, 1], [10, 0, 5, 5, 2], list(range(8))):
        alone = function(tf.constant(rows[chosen])).numpy()
        np.testing.assert_allclose(alone, whole[chosen], rtol=1e-5, atol=1e-5)
