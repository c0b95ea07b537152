# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Weights are what nothing but products and lookups reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tfnative_aot.quantize.weight_uses import find_weights

RNG = np.random.default_rng(0)


Found = dict[tuple[int, ...], Any]


def values(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


def weights_of(function: Callable[..., Any], *shapes: Any) -> Found:
    """What is found in a function: by the shape of the constant."""
    import tensorflow as tf

    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    traced = tf.function(function, autograph=False).get_concrete_function(*specs)
    graph_def = traced.graph.as_graph_def()
    outputs = [tensor.op.name for tensor in traced.outputs]
    found = list(find_weights(graph_def, outputs, 16))
    return {_shape(each.node): each for each in found}


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(d.size for d in node.attr["value"].tensor.tensor_shape.dim)


def products() -> dict[str, Any]:
    import tensorflow as tf

    right, left = values(5, 7), values(7, 5)
    kernel, deep, line = values(3, 3, 5, 7), values(1, 5, 7), values(3, 5, 7)
    many = values(5, 3, 4)
    return {
        "plain": (lambda x: tf.matmul(x, right), [3, 5], (0,)),
        "transposed": (lambda x: tf.matmul(x, left, transpose_b=True), [3, 5], (1,)),
        "turned": (lambda x: tf.matmul(x, tf.transpose(left)), [3, 5], (1,)),
        "left": (lambda x: tf.matmul(left, x), [5, 3], (1,)),
        "batched": (lambda x: tf.matmul(x, deep), [2, 3, 5], (1,)),
        "conv": (
            lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"),
            [1, 9, 9, 5],
            (0, 1, 2),
        ),
        "conv1d": (lambda x: tf.nn.conv1d(x, line, 1, "SAME"), [1, 9, 5], (0, 1)),
        "conv_transpose": (
            lambda x: tf.nn.conv2d_transpose(x, kernel, [1, 9, 9, 5], 1),
            [1, 9, 9, 7],
            (0, 1, 3),
        ),
        "einsum": (lambda x: tf.einsum("abc,cde->abde", x, many), [2, 3, 5], (0,)),
        "einsum_of_two": (
            lambda x: tf.einsum("abde,cde->abc", x, many),
            [2, 3, 3, 4],
            (1, 2),
        ),
    }


PRODUCTS = (
    *("plain", "transposed", "turned", "left", "batched", "conv", "conv1d"),
    *("conv_transpose", "einsum", "einsum_of_two"),
)


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_say_what_they_sum_over(name):
    function, shape, summed = products()[name]
    (found,) = weights_of(function, shape).values()
    assert found.summed == summed
    assert not found.is_table


def test_rows_of_a_table_are_its_channels():
    import tensorflow as tf

    table = values(9, 4)
    (found,) = weights_of(
        lambda x: tf.gather(table, tf.cast(x, tf.int32)), [3]
    ).values()
    assert found.summed == (1,)
    assert found.is_table


def test_a_table_that_is_multiplied_with_has_one_scale_for_both():
    import tensorflow as tf

    table = values(9, 4)

    def tied(x: Any) -> Any:
        shared = tf.constant(table)
        rows = tf.gather(shared, tf.cast(x, tf.int32))
        return tf.matmul(rows, shared, transpose_b=True)

    (found,) = weights_of(tied, [3]).values()
    assert found.summed == (1,)
    assert not found.is_table


def test_readers_that_differ_leave_no_channels():
    import tensorflow as tf

    w = values(5, 5)

    def both(x: Any) -> Any:
        shared = tf.constant(w)
        return tf.matmul(tf.matmul(x, shared), shared, transpose_b=True)

    (found,) = weights_of(both, [3, 5]).values()
    assert found.summed is None


def not_weights() -> dict[str, Any]:
    import tensorflow as tf

    w, per_channel = values(5, 5), values(3, 3, 5, 5)

    def shared(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: function(x, tf.constant(w))

    return {
        "added": (shared(lambda x, w: tf.matmul(x, w) + w), [5, 5]),
        "given": (shared(lambda x, w: [tf.matmul(x, w), tf.identity(w)]), [3, 5]),
        "multiplied with its own": (lambda x: x * w, [5, 5]),
        "depthwise": (
            lambda x: tf.nn.depthwise_conv2d(x, per_channel, [1, 1, 1, 1], "SAME"),
            [1, 9, 9, 5],
        ),
        "first state": (
            lambda x: tf.while_loop(
                lambda i, _: i < 3, lambda i, s: (i + 1, tf.matmul(s, x)), (0, w)
            )[1],
            [5, 5],
        ),
        "given by a branch": (
            shared(
                lambda x, w: tf.cond(x[0, 0] > 0, lambda: tf.matmul(x, w), lambda: w)
            ),
            [5, 5],
        ),
        "looked up by columns": (
            lambda x: tf.gather(w, tf.cast(x, tf.int32), axis=1),
            [3],
        ),
    }


@pytest.mark.parametrize(
    "name",
    [
        "added",
        "given",
        "multiplied with its own",
        "depthwise",
        "first state",
        "given by a branch",
        "looked up by columns",
    ],
)
def test_what_is_read_by_something_else_is_left_alone(name):
    function, shape = not_weights()[name]
    assert not weights_of(function, shape)


def test_weights_are_found_in_loops_and_branches():
    import tensorflow as tf

    inside, chosen, other = values(4, 4), values(4, 6), values(4, 7)

    def model(x: Any) -> Any:
        state = tf.while_loop(
            lambda i, _: i < 3,
            lambda i, s: (i + 1, tf.tanh(tf.matmul(s, inside))),
            (0, x),
        )[1]
        return tf.cond(
            x[0, 0] > 0,
            lambda: tf.reduce_sum(tf.matmul(state, chosen)),
            lambda: tf.reduce_sum(tf.matmul(state, other)),
        )

    found = weights_of(model, [3, 4])
    assert set(found) == {(4, 4), (4, 6), (4, 7)}
    assert all(each.summed == (0,) for each in found.values())


def test_few_numbers_are_left_alone():
    import tensorflow as tf

    w = values(3, 5)
    assert not weights_of(lambda x: tf.matmul(x, w), [2, 3])


def test_a_product_whose_shape_alone_is_asked_for_is_none():
    """As Keras has it beside the loop of a layer with a mask: XLA computes none."""
    import tensorflow as tf

    weights = values(5, 6)

    def model(x: Any) -> Any:
        zeros = tf.zeros_like(tf.tanh(tf.matmul(x, weights)))
        return tf.matmul(x, weights) + zeros

    found = weights_of(model, [3, 5])
    assert [len(each.uses) for each in found.values()] == [1]
    assert not weights_of(lambda x: tf.zeros_like(x @ weights), [3, 5])
