# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""In half precision every op is rounded to it, also where float32 comes after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tfnative
from tests.turns import Once
from tfnative_aot import adapters

NARROW = (tf.float16, tf.bfloat16)


def compute(x: Any, y: Any) -> dict[str, Any]:
    outputs = {}
    for dtype in NARROW:
        a, b = tf.cast(x, dtype), tf.cast(y, dtype)
        results = {
            "product": a * b,
            "sum": a + b,
            "quotient": a / b,
            "chain": (a + b) * a - b,
            "bias": tf.nn.bias_add(a[:, None], tf.constant([0.3], dtype))[:, 0],
            "relu": tf.nn.relu(a * b + a),
        }
        for name, result in results.items():
            wide = tf.cast(result, tf.float32)
            outputs[f"{dtype.name}_{name}"] = wide
            outputs[f"{dtype.name}_{name}_floor"] = tf.floor(wide * 64)
    return outputs


def test_what_is_cast_to_float32_was_rounded_before(once: Once) -> None:
    specs = [tf.TensorSpec([None], tf.float32, name=name) for name in "xy"]
    function = tf.function(compute, input_signature=specs, autograph=False)

    def make(folder: Path) -> Path:
        module = tf.Module()
        module.f = function
        tf.saved_model.save(module, str(folder / "model"), signatures=function)
        return tfnative.compile(folder / "model", folder / "narrow", cpus=["native"])

    x, y = np.random.default_rng(3).normal(size=(2, 2000)).astype(np.float32)
    with adapters.tf().without_optimizers():
        expected = function(tf.constant(x), tf.constant(y))
    with tfnative.load(once("fidelity/narrow", make)) as model:
        got = model.predict({"x": x, "y": y})
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], value.numpy(), name)
