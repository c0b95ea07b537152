# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A graph in 8 bits answers nearly as in floats, and exactly as it is defined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies as st

from tests.aot.quantize.static.graphs import frozen, prepared, weights
from tfnative_aot.progress import Silent
from tfnative_aot.quantize.calibrate.data import read_calibration
from tfnative_aot.quantize.calibrate.observed import Range
from tfnative_aot.quantize.static.build import (
    QuantizedGraph,
    build,
    tensors_with_ranges,
)
from tfnative_aot.quantize.static.find_steps import find_steps
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.quantize import with_static_ranges

Floats = npt.NDArray[np.float32]


def run(graph_def: Any, fetched: list[str], x: Floats) -> list[Floats]:
    import tensorflow as tf

    config = tf.compat.v1.ConfigProto()
    # As the reference: TensorFlow fuses grouped convolutions that it cannot compute.
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph, config=config) as session:
            found: list[Floats] = session.run(fetched, {"input_x:0": x})
    return found


def ranges_of(graph: Any, names: list[str], x: Floats) -> Mapping[str, Range]:
    found = run(graph.graph_def, [f"{name}:0" for name in names], x)
    return {
        name: Range(min(float(a.min()), 0.0), max(float(a.max()), 0.0))
        for name, a in zip(names, found, strict=True)
    }


def quantized(graph: Any, x: Floats) -> QuantizedGraph:
    view = GraphView(graph)
    steps = find_steps(view)
    assert steps
    ranges = ranges_of(graph, list(tensors_with_ranges(view, steps)), x)
    return build(graph.graph_def, view, steps, ranges)


def both(graph: Any, x: Floats) -> tuple[Floats, Floats]:
    """What floats give, and what 8 bits do."""
    output = graph.outputs[0].tensor
    (exact,) = run(graph.graph_def, [output], x)
    (found,) = run(quantized(graph, x).graph_def, [output], x)
    return exact, found


def decibels(exact: Floats, found: Floats) -> float:
    noise = float(np.square(exact - found).sum())
    return 10 * np.log10(float(np.square(exact).sum()) / max(noise, 1e-30))


LAYERS = {
    "conv": lambda tf, x: tf.nn.conv2d(
        x, weights(3, 3, int(x.shape[-1]), 8), 1, "SAME"
    ),
    "strided": lambda tf, x: tf.nn.conv2d(
        x, weights(2, 3, int(x.shape[-1]), 12), 2, "SAME"
    ),
    "dilated": lambda tf, x: tf.nn.conv2d(
        x, weights(3, 3, int(x.shape[-1]), 4), 1, "SAME", dilations=2
    ),
    "grouped": lambda tf, x: tf.nn.conv2d(
        x, weights(1, 3, int(x.shape[-1]) // 2, 8), 1, "SAME"
    ),
    "depthwise": lambda tf, x: tf.nn.depthwise_conv2d(
        x, weights(3, 3, int(x.shape[-1]), 1), [1, 1, 1, 1], "SAME"
    ),
    "multiplied": lambda tf, x: tf.nn.depthwise_conv2d(
        x, weights(3, 3, int(x.shape[-1]), 2), [1, 2, 2, 1], "SAME"
    ),
    "relu": lambda tf, x: tf.nn.relu(x + 0.1),
    "relu6": lambda tf, x: tf.nn.relu6(x),
    "swish": lambda tf, x: tf.nn.silu(x),
    "biased": lambda tf, x: tf.nn.bias_add(x, weights(int(x.shape[-1]))),
    "largest": lambda tf, x: tf.nn.max_pool2d(x, 3, 2, "SAME"),
    "padded": lambda tf, x: tf.nn.max_pool2d(
        tf.pad(tf.nn.relu(x), [[0, 0], [1, 1], [0, 2], [0, 0]]), 3, 2, "VALID"
    ),
    "average": lambda tf, x: tf.nn.avg_pool2d(x, 2, 1, "SAME"),
    "joined": lambda tf, x: tf.concat([x, tf.nn.relu(x)], 3),
    "added": lambda tf, x: (
        x
        + tf.nn.conv2d(
            x, weights(1, 1, int(x.shape[-1]), int(x.shape[-1])) * 0.3, 1, "SAME"
        )
    ),
    "gated": lambda tf, x: (
        x
        * tf.sigmoid(
            tf.nn.conv2d(
                tf.reduce_mean(x, [1, 2], keepdims=True),
                weights(1, 1, int(x.shape[-1]), int(x.shape[-1])),
                1,
                "SAME",
            )
        )
    ),
}


def stack(names: list[str]) -> Any:
    import tensorflow as tf

    def net(x: Any) -> Any:
        for name in names:
            x = LAYERS[name](tf, x)
            # As large as what came in, as a trained network is.
            x = x * float(1 / np.sqrt(9))
        flat = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
        return tf.matmul(flat, weights(int(flat.shape[1]), 5))

    return frozen(net, None, 8, 7, 4)


@settings(max_examples=15)
@given(st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=5))
def test_any_stack_of_layers_is_near_to_floats(names: list[str]):
    x = np.random.default_rng(0).normal(size=(12, 8, 7, 4)).astype(np.float32)
    exact, found = both(stack(names), x)
    assert exact.shape == found.shape
    assert decibels(exact, found) > 15, names


@pytest.mark.parametrize("factor", [2.0**-40, 2.0**-10, 1.0, 2.0**30])
def test_the_size_of_all_numbers_does_not_matter(factor: float):
    x = np.random.default_rng(0).normal(size=(12, 8, 7, 4)).astype(np.float32)
    exact, found = both(stack(["conv", "largest"]), x * np.float32(factor))
    _, plain = both(stack(["conv", "largest"]), x)
    assert decibels(exact, found) > 25
    np.testing.assert_array_equal(found, plain * np.float32(factor))


def test_a_product_is_what_whole_numbers_give():
    import tensorflow as tf

    matrix, bias = weights(24, 16), weights(16)
    last = weights(16, 3)

    def net(x: Any) -> Any:
        return tf.nn.relu(tf.nn.bias_add(x @ matrix, bias)) @ last

    x = np.random.default_rng(1).normal(size=(9, 24)).astype(np.float32)
    graph = frozen(net, None, 24)
    _, found = both(graph, x)
    f = np.float32

    def scale_and_zero(values: Floats) -> tuple[np.float32, int]:
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        scale = f((high - low) / 255)
        return scale, round(-low / float(scale))

    def whole(w: Floats, of: np.float32, b: Floats) -> tuple[Any, Any, Any]:
        scales = np.abs(w.astype(np.float64)).max(0) / 127
        rounded = np.rint(w / scales).astype(np.int64)
        return rounded, np.rint(b / (scales * float(of))).astype(np.int64), scales

    s0, z0 = scale_and_zero(x)
    hidden = np.maximum(x @ matrix + bias, 0)
    s1, z1 = scale_and_zero(hidden)
    q0 = np.clip(np.rint(x * f(1 / float(s0))) + z0, 0, 255).astype(np.int64)
    w0, b0, t0 = whole(matrix, s0, bias)
    sums = (q0 - z0) @ w0 + b0
    y = sums.astype(f) * (t0 * float(s0) / float(s1)).astype(f)
    q1 = np.clip(np.rint(y) + z1, z1, 255).astype(np.int64)
    w1, _, t1 = whole(last, s1, np.zeros(3, f))
    expected = ((q1 - z1) @ w1).astype(f) * (t1 * float(s1)).astype(f)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3.4e38])
def test_inputs_beyond_all_ranges_are_the_nearest_number(value: float):
    x = np.random.default_rng(0).normal(size=(4, 8, 7, 4)).astype(np.float32)
    graph = stack(["conv"])
    made = quantized(graph, x)
    ends = {np.inf: x.max(), -np.inf: x.min(), 3.4e38: x.max()}
    nearest = 0.0 if np.isnan(value) else ends[value]
    x[0, 3, 3, 1], other = value, x.copy()
    other[0, 3, 3, 1] = nearest
    output = graph.outputs[0].tensor
    (found,) = run(made.graph_def, [output], x)
    (expected,) = run(made.graph_def, [output], other)
    np.testing.assert_array_equal(found, expected)


def test_a_channel_of_zeros_keeps_its_bias():
    import tensorflow as tf

    kernel, bias = weights(4, 6), weights(6) * 1000
    kernel[:, 2] = 0
    kernel[:, 3] *= 1e-20
    graph = frozen(lambda x: tf.nn.bias_add(x @ kernel, bias), None, 4)
    exact, found = both(graph, np.ones((3, 4), np.float32))
    np.testing.assert_allclose(found, exact, rtol=0.02)


def test_zeros_and_nothing_else_stay_zeros():
    graph = stack(["conv", "relu6"])
    zeros = np.zeros((2, 8, 7, 4), np.float32)
    exact, found = both(graph, zeros)
    np.testing.assert_allclose(found, exact, rtol=0.1, atol=0.02)


@pytest.mark.parametrize("wide", [10, 12])
@pytest.mark.parametrize("function", ["relu", "silu", "none"])
def test_rows_may_be_cut_otherwise_between_layers(wide: int, function: str):
    import tensorflow as tf

    def net(x: Any) -> Any:
        first = tf.reshape(x, [-1, wide]) @ weights(wide, wide)
        row = tf.reshape(first, [-1, 3 * wide])
        if function != "none":
            row = getattr(tf.nn, function)(row)
        second = tf.reshape(row + tf.reshape(first, [-1, 3 * wide]), [-1, wide])
        return tf.concat([second @ weights(wide, 4), row[:12, :4]], 0)

    x = np.random.default_rng(2).normal(size=(4, 3, wide)).astype(np.float32)
    exact, found = both(frozen(net, None, 3, wide), x)
    assert decibels(exact, found) > 30


@pytest.mark.parametrize("exponent", [-121, -112, -100, 100, 120])
def test_numbers_that_no_scale_tells_apart_stay_float(exponent: int):
    def net(x: Any) -> Any:
        return (x @ weights(8, 6)) @ weights(6, 4)

    of = prepared(net, None, 8)
    x = np.random.default_rng(3).normal(size=(30, 8)).astype(np.float32)
    x *= np.float32(2.0**exponent)
    data = read_calibration({"x": x}, of.graph.inputs)
    made = with_static_ranges(of, data, "min-max", Silent())
    output = [of.graph.outputs[0].tensor]
    (exact,), (found,) = (run(each.graph.graph_def, output, x) for each in (of, made))
    assert decibels(exact * 2.0**-exponent, found * 2.0**-exponent) > 25
    assert any(layer.reason for layer in made.layers) == (exponent == -121)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("between", ["relu", "silu", "max_pool"])
def test_a_product_may_read_a_part_of_what_is_one_row_before_it(channels, between):
    """Rows begin at multiples of four bytes, so that parts may not lie like that."""
    import tensorflow as tf

    def net(x: Any) -> Any:
        x = tf.nn.conv2d(x, weights(1, 1, 4, channels), 1, "SAME")
        if between == "max_pool":
            x = tf.nn.max_pool2d(x, 2, 1, "SAME")
        else:
            x = getattr(tf.nn, between)(x)
        whole = tf.reshape(x, [-1, 6 * channels]) @ weights(6 * channels, 5)
        parts = tf.reshape(x, [-1, channels]) @ weights(channels, 5)
        return tf.concat([whole[:, None], tf.reshape(parts, [-1, 6, 5])], 1)

    x = np.random.default_rng(4).normal(size=(8, 2, 3, 4)).astype(np.float32)
    exact, found = both(frozen(net, None, 2, 3, 4), x)
    assert decibels(exact, found) > 25
