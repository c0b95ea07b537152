# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors of a frozen graph are observed while TensorFlow runs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

from tfnative.errors import InvalidArgumentError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.quantize.calibrate.data import read_calibration
from tfnative_aot.quantize.calibrate.methods import find_range
from tfnative_aot.quantize.calibrate.observe import observe, session_run

X = np.random.default_rng(6).standard_normal((50, 4)).astype(np.float32)
W = np.random.default_rng(7).standard_normal((4, 8)).astype(np.float32)
INPUTS = [
    GraphTensor("ids", "ids:0", "int32", (-1,)),
    GraphTensor("image", "in:0", "float32", (-1, 4)),
]
NAMES = {tensor.name: tensor.tensor for tensor in INPUTS}


def graph_def() -> Any:
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, 4), "in")
        ids = tf.compat.v1.placeholder(tf.int32, (None,), "ids")
        y = tf.nn.relu(tf.matmul(x, W, name="product"), name="relu")
        tf.gather(tf.constant([1.0, 2.0, 3.0]), ids, name="row")
        tf.split(y, 2, axis=1, name="halves")
    return graph.as_graph_def()


def data(ids: Any = 0) -> Any:
    return read_calibration({"image": X, "ids": np.full(50, ids, np.int32)}, INPUTS)


def test_what_is_observed_is_what_the_graph_computes():
    tensors = ["product:0", "relu:0", "halves:1", "row:0"]
    seen = observe(graph_def(), NAMES, tensors, data(2))
    y = X.astype(np.float64) @ W
    for name, expected in {
        "product:0": y,
        "relu:0": np.maximum(y, 0),
        "halves:1": np.maximum(y[:, 4:], 0),
        "row:0": np.full(50, 3.0),
    }.items():
        found = seen[name]
        assert (found.name, found.samples, found.values) == (name, 50, expected.size)
        assert found.least == pytest.approx(expected.min(), rel=1e-5)
        assert found.largest == pytest.approx(expected.max(), rel=1e-5)
    assert find_range(seen["relu:0"], "min-max").low == 0


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float64, tf.int32])
def test_tensors_of_any_numbers_are_observed(dtype):
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, 4), "in")
        tf.cast(8 * x, dtype, name="cast")
    images = read_calibration({"image": X}, INPUTS[1:])
    seen = observe(graph.as_graph_def(), {"image": "in:0"}, ["cast:0"], images)
    expected = tf.cast(tf.cast(8 * X, dtype), tf.float64).numpy()
    found = seen["cast:0"]
    assert (found.least, found.largest) == (expected.min(), expected.max())
    assert (found.counts.sum(), found.zeros) == (200, (expected == 0).sum())


def test_values_that_are_not_finite_are_counted_apart():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, 4), "in")
        tf.math.log(x, name="log")
    images = read_calibration({"image": X}, INPUTS[1:])
    found = observe(graph.as_graph_def(), {"image": "in:0"}, ["log:0"], images)["log:0"]
    assert found.not_finite == (X < 0).sum()
    assert found.values == found.counts.sum() == (X > 0).sum()
    assert found.largest == pytest.approx(np.log(X.max()), rel=1e-5)


def test_a_graph_runs_for_any_of_its_tensors():
    run = session_run(graph_def(), NAMES)
    (chunk,) = data(1).chunks(99)
    (product,) = run(chunk, ["product:0"])
    np.testing.assert_allclose(product, X @ W, rtol=1e-5)


def test_what_tensorflow_says_of_samples_is_said():
    said = "--calibration: TensorFlow fails on these samples: .*7 is not in"
    with pytest.raises(InvalidArgumentError, match=f"(?s){said}"):
        observe(graph_def(), NAMES, ["row:0"], data(7))
