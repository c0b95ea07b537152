# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers find their ranges at run time, unrolled or not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aot.quantize.static.graphs import frozen, prepared, weights
from tests.aot.quantize.static.samples import normal
from tfnative_aot.progress import Silent
from tfnative_aot.quantize.calibrate.data import read_calibration
from tfnative_aot.quantize.static.find_steps import find_steps
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.quantize import StaticQuantizer
from tfnative_aot.quantize.static.repeated import repeated_products


def unrolled(x: Any) -> Any:
    """Three steps of a layer with 32 units, and a product behind it."""
    import tensorflow as tf

    h = tf.zeros([tf.shape(x)[0], 32])
    for place in tf.unstack(x, axis=1):
        # As Keras' layers are frozen: each step has constants of its own.
        own, kernel = tf.constant(weights(32, 32)), tf.constant(weights(40, 32))
        h = tf.tanh(tf.matmul(place, kernel) + tf.matmul(h, own))
    return tf.matmul(h, weights(32, 9))


def looped(x: Any) -> Any:
    """The same as a loop."""
    import tensorflow as tf

    moved = tf.transpose(x, [1, 0, 2])

    def body(n: Any, h: Any) -> Any:
        given = tf.matmul(moved[n], weights(40, 32))
        return n + 1, tf.tanh(given + tf.matmul(h, weights(32, 32)))

    start = [tf.constant(0), tf.zeros([tf.shape(x)[0], 32])]
    loose = [tf.TensorShape([]), tf.TensorShape([None, 32])]
    _, h = tf.while_loop(lambda n, _: n < 3, body, start, shape_invariants=loose)
    return tf.matmul(tf.nn.relu(h), weights(32, 9))


def siblings(x: Any) -> Any:
    """Two inputs that share a layer, of which none reads what the other one gives."""
    import tensorflow as tf

    shared = weights(40, 32)
    first, second = (tf.nn.relu(tf.matmul(x[:, n], shared)) for n in range(2))
    return tf.matmul(first, weights(32, 9)) + tf.matmul(second, weights(32, 9))


def test_unrolled_products_are_found_and_those_behind_them_are_not():
    view = GraphView(frozen(unrolled, None, 3, 40))
    found = repeated_products(view)
    assert len(found) == 6
    (step,) = find_steps(view, found)
    assert step.weights is not None
    assert step.weights.shape == (1, 1, 32, 9)


def test_layers_that_are_shared_side_by_side_keep_ranges_of_samples():
    view = GraphView(frozen(siblings, None, 2, 40))
    assert not repeated_products(view)
    assert [step.kind for step in find_steps(view)].count("product") == 4


@pytest.mark.parametrize("function", [unrolled, looped])
def test_what_follows_a_recurrent_layer_has_ranges_of_samples(function):
    of = prepared(function, None, 3, 40)
    data = read_calibration({"x": normal(1, 24, 3, 40)}, of.graph.inputs)
    quantizer = StaticQuantizer(of, data, "min-max", Silent())
    (last,) = quantizer.products
    assert last.weights is not None
    assert last.weights.shape == (1, 1, 32, 9)
    # Those of --precision int8 are rounded afterwards, which says so itself.
    (layer,) = quantizer.quantized(corrected=True).layers
    assert layer.computed == "int8"
