# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What of a graph is computed in 8 bits, and what stays float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.aot.quantize.static.graphs import frozen, weights
from tfnative_aot.quantize.static.find_steps import find_steps
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.plan import Step


def steps_of(function: Callable[..., Any], *shape: int) -> Sequence[Step]:
    return find_steps(GraphView(frozen(function, *shape)))


def kinds(function: Callable[..., Any], *shape: int) -> list[str]:
    return [step.kind for step in steps_of(function, *shape)]


def conv(x: Any, channels: int = 8, **options: Any) -> Any:
    import tensorflow as tf

    kernel = weights(3, 3, int(x.shape[-1]), channels)
    return tf.nn.conv2d(x, kernel, options.pop("strides", 1), "SAME", **options)


def test_biases_and_bounds_are_part_of_a_product():
    import tensorflow as tf

    def net(x: Any) -> Any:
        return conv(tf.nn.relu6(tf.nn.bias_add(conv(x), weights(8)) + weights(8)))

    first, last = steps_of(net, None, 6, 6, 4)
    assert (first.clamp.low, first.clamp.high) == (0, 6)
    assert first.bias is not None
    assert np.array_equal(first.bias, 2 * weights(8))
    assert last.is_exact, "what nobody reads in 8 bits is floats"


def test_a_sum_goes_into_the_later_product():
    import tensorflow as tf

    def net(x: Any) -> Any:
        first = conv(x)
        return conv(tf.nn.relu(conv(first) + first))

    first, second, _ = steps_of(net, None, 6, 6, 4)
    assert len(second.inputs) == 2
    assert second.inputs[1] == first.output
    assert second.clamp.low == 0


@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "elu", "swish", "gelu", "softplus", "leaky_relu"]
)
def test_any_function_of_one_number_is_a_table(name: str):
    import tensorflow as tf

    function = getattr(tf.nn, name)
    first, _ = steps_of(lambda x: conv(function(conv(x) * 0.5)), None, 6, 6, 4)
    assert first.output != first.rounded


def test_two_readers_of_a_result_and_of_a_function_of_it_get_both():
    import tensorflow as tf

    def net(x: Any) -> Any:
        first = conv(x)
        return conv(first) + conv(tf.sigmoid(first))

    found = sorted(kinds(net, None, 6, 6, 4))
    assert found == ["product", "product", "product", "table"]


def test_what_lies_between_products_is_in_8_bits():
    import tensorflow as tf

    def net(x: Any) -> Any:
        a = tf.nn.max_pool2d(tf.nn.relu(conv(x)), 2, 2, "SAME")
        b = tf.nn.avg_pool2d(conv(a), 3, 1, "SAME")
        scale = tf.sigmoid(tf.reduce_mean(conv(b), [1, 2], keepdims=True))
        return tf.reshape(conv(tf.concat([a * scale, b], 3)), [-1, 72])

    found = kinds(net, None, 6, 6, 4)
    expected = "product max product average product average multiply join product"
    assert sorted(found) == sorted(expected.split())


def test_views_are_nothing():
    import tensorflow as tf

    def net(x: Any) -> Any:
        flat = tf.reshape(tf.nn.relu(conv(x)), [tf.shape(x)[0], -1])
        return tf.matmul(
            tf.expand_dims(flat @ weights(288, 12), 1)[:, 0], weights(12, 4)
        )

    assert kinds(net, None, 6, 6, 4)[:2] == ["product", "product"]


def test_what_no_product_reads_stays_float():
    import tensorflow as tf

    def net(x: Any) -> Any:
        return tf.reduce_mean(
            tf.nn.relu(conv(tf.nn.max_pool2d(x, 2, 2, "SAME"))), [1, 2]
        )

    (only,) = steps_of(net, None, 6, 6, 4)
    assert only.kind == "product"
    assert only.is_exact


@pytest.mark.parametrize(
    "reason", ["weights of the data", "weights that are not finite", "channels first"]
)
def test_products_that_no_kernel_computes_stay(reason: str):
    import tensorflow as tf

    def net(x: Any) -> Any:
        if reason == "weights of the data":
            return tf.matmul(x[:, 0], x[:, 1], transpose_b=True)
        if reason == "channels first":
            return tf.nn.conv2d(x, weights(3, 3, 6, 8), 1, "SAME", data_format="NCHW")
        kernel = weights(3, 3, 4, 8)
        kernel[0, 0, 0, 0] = np.inf
        return tf.nn.conv2d(x, kernel, 1, "SAME")

    assert kinds(net, None, 6, 6, 4) == []


def test_products_can_be_left_out():
    import tensorflow as tf

    graph = frozen(lambda x: conv(tf.nn.relu(conv(x))), None, 6, 6, 4)
    view = GraphView(graph)
    first, last = find_steps(view)
    (left,) = find_steps(view, {first.node.name})
    assert left.node.name == last.node.name


def test_zeros_around_a_convolution_are_its_padding():
    import tensorflow as tf

    def net(x: Any) -> Any:
        padded = tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]])
        return tf.nn.conv2d(padded, weights(3, 3, 4, 8), 2, "VALID")

    (step,) = steps_of(net, None, 6, 6, 4)
    assert step.window is not None
    assert step.window.in_size == (1, 6, 6)
    assert step.window.padding_low == (0, 1, 0)
    assert step.window.out_size == (1, 4, 3)


def pooled(function: str, pads: int, kind: str = "max_pool2d") -> list[str]:
    """The steps of pooling behind a Pad, as Keras' ResNet50 begins."""
    import tensorflow as tf

    def net(x: Any) -> Any:
        x = getattr(tf.nn, function)(conv(x))
        x = tf.pad(x, [[0, 0], [pads, pads], [pads, pads], [0, 0]])
        return conv(getattr(tf.nn, kind)(x, 3, 2, "VALID"))

    return kinds(net, None, 8, 8, 4)


def test_a_maximum_reads_what_was_padded_if_no_number_is_below_zero():
    assert pooled("relu", 1) == ["product", "max", "product"]
    assert pooled("relu6", 2) == ["product", "max", "product"]


@pytest.mark.parametrize(
    ("function", "pads", "kind"),
    [("tanh", 1, "max_pool2d"), ("relu", 3, "max_pool2d"), ("relu", 1, "avg_pool2d")],
    ids=["negative", "windows of padding", "average"],
)
def test_pooling_behind_a_pad_is_in_floats_where_zeros_count(function, pads, kind):
    assert "max" not in pooled(function, pads, kind)
    assert "average" not in pooled(function, pads, kind)
