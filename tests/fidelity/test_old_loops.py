# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loops and branches of TensorFlow 1: what is rewritten in them stays in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tests.models.tf1 import save
from tests.turns import Once
from tfnative_aot import adapters

pytestmark = pytest.mark.slow  # Many small compilations.

v1 = tf.compat.v1
X = np.random.default_rng(3).standard_normal((3, 5)).astype(np.float32)
X[1, 2] = np.nan


def _loop(step: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Three rounds of what is done with the number of the round, and the rows."""
    return lambda x: v1.while_loop(
        lambda count, _: count < 3,
        lambda count, rows: (count + 1, step(tf.cast(count, tf.float32), rows)),
        [tf.constant(0), x],
    )[1]


def _array(x: Any) -> Any:
    """Rounds that write products with the counter into an array."""

    def step(count: Any, written: Any) -> tuple[Any, Any]:
        scaled = x * tf.cast(count, tf.float32) * 0.1 - 0.3
        return count + 1, written.write(count, scaled)

    array = tf.TensorArray(tf.float32, 3, element_shape=[None, 5])
    rounds = v1.while_loop(lambda count, _: count < 3, step, [tf.constant(0), array])
    return tf.transpose(rounds[1].stack(), [1, 0, 2])


def _branch(x: Any) -> Any:
    return v1.cond(
        tf.shape(x)[0] > 100,
        lambda: tf.clip_by_value(x, -1.0, 1.0) * 0.1 - 0.3,
        lambda: tf.nn.relu(tf.math.atanh(x * 0.1)) - x * 0.3,
    )


def _case(x: Any) -> Any:
    """A choice by what the rows are, of branches with constants."""
    return v1.case(
        [
            (x[0, 0] > 1, lambda: tf.clip_by_value(x, -1.0, 1.0) * 0.1 - 0.3),
            (x[0, 0] < -1, lambda: x - tf.reduce_mean(x, 1, keepdims=True)),
        ],
        default=lambda: tf.nn.softmax(x),
    )


CASES: dict[str, Callable[[Any], Any]] = {
    "array": _array,
    "branch": _branch,
    "case": _case,
    "sum_of_products": _loop(lambda count, x: x * count * 0.1 - 0.3),
    "clipped": _loop(lambda count, x: tf.clip_by_value(x * 2, -1.0, count)),
    "casts": _loop(lambda count, x: tf.cast(tf.cast(x * 9, tf.int32), tf.float32)),
    "power": _loop(lambda count, x: tf.abs(x) ** count + tf.math.xdivy(x, count)),
    "rounds": _loop(lambda count, x: tf.round(x * 1.5) + tf.floor(x + count)),
    "largest": _loop(lambda _, x: x + tf.reduce_max(x, 1, keepdims=True)),
    "index": _loop(lambda _, x: x + tf.cast(tf.argmax(x, 1), tf.float32)[:, None]),
    "softmax": _loop(lambda _, x: tf.nn.softmax(x) + tf.nn.log_softmax(x)),
    "special": _loop(lambda _, x: tf.math.erfinv(x / 9) + tf.math.xlogy(x, 3.0)),
    "quantized": _loop(
        lambda _, x: tf.quantization.fake_quant_with_min_max_args(x, -3.0, 2.0)
    ),
}


CHOICES = ("branch", "case")


@pytest.mark.parametrize("name", CASES)
def test_rounds_are_as_in_tensorflow(once: Once, name: str) -> None:
    def make(folder: Path) -> Path:
        path = save(CASES[name], resource=True)(folder / "model")
        # A choice for all rows holds for that number of rows alone.
        sizes = [len(X)] if name in CHOICES else [1]
        return tfnative.compile(path, folder / "it", cpus=["native"], batch_sizes=sizes)

    with tf.Graph().as_default() as graph, adapters.tf().without_optimizers():
        v1.disable_control_flow_v2()
        try:
            x = v1.placeholder(tf.float32, [None, 5])
            y = CASES[name](x)
        finally:
            v1.enable_control_flow_v2()
        ops = {each.type for each in graph.get_operations()}
        assert ("Switch" if name in CHOICES else "Enter") in ops
        with v1.Session(graph=graph) as session:
            wanted = session.run(y, {x: X})
    with tfnative.load(once(f"old_loops/{name}", make)) as model:
        found = model.predict({"x": X})["y"]
    np.testing.assert_allclose(found, wanted, rtol=3e-6, atol=3e-7)


def test_a_branch_that_a_number_chooses_leaves_rows_independent(tmp_path: Path) -> None:
    def network(x: Any) -> Any:
        flag = v1.placeholder_with_default(tf.constant(2.0), [], name="flag")
        return v1.cond(flag > 1, lambda: x * 0.1 - 0.3, lambda: tf.nn.softmax(x))

    path = _save_with_flag(network, tmp_path / "model")
    model = tfnative.load(
        tfnative.compile(path, tmp_path / "it", cpus=["native"], batch_sizes=[1, 4])
    )
    assert model.manifest.signatures["serving_default"].rows == "proved"
    x = np.delete(X, 1, 0)
    found = model.predict({"x": x, "flag": np.float32(0)})["y"]
    np.testing.assert_allclose(found, tf.nn.softmax(x), rtol=3e-6)
    found = model.predict({"x": x, "flag": np.float32(3)})["y"]
    np.testing.assert_allclose(found, x * np.float32(0.1) - np.float32(0.3), rtol=3e-6)


def _save_with_flag(network: Callable[[Any], Any], path: Path) -> Path:
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        v1.disable_control_flow_v2()
        try:
            x = v1.placeholder(tf.float32, [None, 5], name="x")
            y = network(x)
        finally:
            v1.enable_control_flow_v2()
        flag = graph.get_tensor_by_name("flag:0")
        v1.saved_model.simple_save(session, str(path), {"x": x, "flag": flag}, {"y": y})
    return path
