# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What only training needs is found in every form that it is written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

from tfnative_aot.optimize.training import without_training

v1 = tf.compat.v1
rnd = tf.random


def oldest(x: Any) -> Any:
    keep = tf.constant(0.75)
    return tf.divide(x, keep) * tf.floor(keep + v1.random_uniform(tf.shape(x)))


def with_a_range(x: Any) -> Any:
    low, high = tf.constant(0.0), tf.constant(1.0)
    noise = v1.random_uniform(tf.shape(x)) * (high - low) + low
    return tf.math.divide(x, 0.75) * tf.floor(noise + 0.75)


def greater_or_equal(x: Any) -> Any:
    rate = tf.constant(0.25)
    mask = rnd.uniform(tf.shape(x)) >= rate
    return x * (1.0 / (1.0 - rate)) * tf.cast(mask, tf.float32)


def scaled_mask(x: Any) -> Any:
    mask = tf.cast(rnd.uniform(tf.shape(x)) < 0.75, tf.float32)
    return x * (mask / 0.75)


def v1_layer(x: Any) -> Any:
    return v1.nn.dropout(x, rate=0.25)


def v2_function(x: Any) -> Any:
    return tf.nn.dropout(x, 0.25)


def some_rows(x: Any) -> Any:
    return tf.nn.dropout(x, 0.25, noise_shape=[tf.shape(x)[0], 1])


def stateless(x: Any) -> Any:
    return tf.nn.experimental.stateless_dropout(x, 0.25, seed=[1, 2])


def added_noise(x: Any) -> Any:
    return x + rnd.normal(tf.shape(x), stddev=0.3)


def multiplied_noise(x: Any) -> Any:
    return x * rnd.normal(tf.shape(x), mean=1.0, stddev=0.3)


def alpha_dropout(x: Any) -> Any:
    rate, alpha = 0.25, -1.7580993408473766
    kept = tf.cast(rnd.uniform(tf.shape(x)) >= rate, tf.float32)
    a = ((1 - rate) * (1 + rate * alpha**2)) ** -0.5
    return a * (x * kept + alpha * (1 - kept)) - a * alpha * rate


def flipped(x: Any) -> Any:
    return tf.where(rnd.uniform([tf.shape(x)[0], 1]) < 0.5, tf.reverse(x, [1]), x)


def contrast(x: Any) -> Any:
    mean = tf.reduce_mean(x, 1, keepdims=True)
    return (x - mean) * rnd.uniform([1, 1], 0.8, 1.2) + mean


FORMS = [
    flipped,
    contrast,
    oldest,
    with_a_range,
    greater_or_equal,
    scaled_mask,
    v1_layer,
    v2_function,
    some_rows,
    stateless,
    added_noise,
    multiplied_noise,
    alpha_dropout,
]


def written(form: Callable[[Any], Any], dtype: Any = tf.float32) -> Any:
    """The graph ``2 * form(x * 3)``, from x to y."""
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(dtype, [None, 6], name="x")
        tf.multiply(form(x * 3), 2, name="y")
    return graph.as_graph_def()


def removed(graph_def: Any) -> Any:
    return without_training(graph_def, ["x", "y"])


def run(graph_def: Any, x: Any) -> Any:
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        tf.graph_util.import_graph_def(graph_def, name="")
        return session.run("y:0", {"x:0": x})


@pytest.mark.parametrize("form", FORMS)
def test_dropout_and_noise_pass_on_what_comes_in(form: Callable[[Any], Any]):
    left = removed(written(form))
    x = np.random.default_rng(1).standard_normal((4, 6)).astype(np.float32)
    np.testing.assert_array_equal(run(left, x), x * 3 * 2)
    assert not [node.op for node in left.node if "Random" in node.op]


def test_half_precision_is_no_other_form():
    left = removed(written(lambda x: tf.nn.dropout(x, 0.1), tf.float16))
    assert not [node.op for node in left.node if "Random" in node.op]


def wrong_scale(x: Any) -> Any:
    return x * 2.0 * tf.floor(0.75 + rnd.uniform(tf.shape(x)))


def random_weights(x: Any) -> Any:
    return x * rnd.uniform(tf.shape(x))


def noise_that_depends_on_x(x: Any) -> Any:
    return x + tf.exp(x) * rnd.normal(tf.shape(x))


def shifted(x: Any) -> Any:
    return x + rnd.uniform(tf.shape(x))


def only_noise(x: Any) -> Any:
    return rnd.normal(tf.shape(x)) + 0.0


def sometimes_positive(x: Any) -> Any:
    return tf.where(rnd.uniform([1, 1]) < 0.5, tf.nn.relu(x), x)


def flipped_by_its_values(x: Any) -> Any:
    is_flipped = rnd.uniform([1, 1]) < tf.reduce_mean(x)
    return tf.where(is_flipped, tf.reverse(x, [1]), x)


def contrast_of_its_values(x: Any) -> Any:
    mean = tf.reduce_mean(x, 1, keepdims=True)
    return (x - mean) * tf.exp(rnd.normal([1, 1]) * x) + mean


def numbers_in_a_range(x: Any) -> Any:
    low = tf.cast(tf.constant(2), tf.float32)
    return x[:, :1] * ((rnd.uniform([6]) * (5.0 - low)) + low)


@pytest.mark.parametrize(
    "form",
    [
        numbers_in_a_range,
        sometimes_positive,
        flipped_by_its_values,
        contrast_of_its_values,
        wrong_scale,
        random_weights,
        noise_that_depends_on_x,
        shifted,
        only_noise,
    ],
)
def test_other_random_numbers_stay(form: Callable[[Any], Any]):
    left = removed(written(form))
    assert [node.op for node in left.node if "Random" in node.op]
