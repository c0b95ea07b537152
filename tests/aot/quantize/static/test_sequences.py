# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers of sequences in 8 bits, whose products have a row for each place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tfnative


@pytest.mark.slow
def test_products_of_sequences_may_have_more_rows_than_what_follows(tmp_path: Path):
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(1)
    first, second = (rng.standard_normal((24, 24), np.float32) for _ in range(2))
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec((None, 6, 24), tf.float32, "x")])
    def serve(x):
        products = tf.matmul(tf.reshape(x, [-1, 24]), first)
        hidden = tf.nn.relu(tf.reshape(products, tf.shape(x)))
        products = tf.matmul(tf.reshape(hidden, [-1, 24]), second)
        return {"hidden": hidden, "y": tf.reshape(products, tf.shape(hidden))}

    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=serve)
    x = rng.standard_normal((100, 6, 24), np.float32)
    artifact = tfnative.compile(
        tmp_path / "saved",
        tmp_path / "net",
        cpus=["native"],
        precision="int8",
        calibration={"x": x},
    )
    with tfnative.load(artifact) as model:
        found = model.predict({"x": x})
    hidden = np.maximum(x @ first, 0)
    for name, expected in {"hidden": hidden, "y": hidden @ second}.items():
        error = np.sqrt(np.mean((found[name] - expected) ** 2))
        assert error < 0.03 * expected.std(), name
