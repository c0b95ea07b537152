# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Fake quantization gives TensorFlow's numbers to the last bit, whatever the bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative

ODD = np.float32([[1, np.nan, -7, np.inf], [0, -np.inf, 2.2, 3]])
# Bounds, bits, and whether the range is narrow. Where zero lies between two numbers,
# it moves; two have no range, or one that ends before it begins.
RANGES = (
    (-3.0, 3.0, 8, False),
    (3.0, -3.0, 8, False),
    (0.0, 0.0, 8, False),
    (-1.0, 2.0, 4, True),
    (0.5, 6.0, 8, False),
    (-6.0, -1.0, 8, True),
    (-1e-3, 5.0, 16, False),
)


def quantized(x: Any, lows: Any, highs: Any) -> dict[str, Any]:
    """With bounds that are constants, and the same bounds as inputs."""
    found = {}
    for number, (low, high, *how) in enumerate(RANGES):
        found[f"inputs_{number}"] = tf.quantization.fake_quant_with_min_max_vars(
            x, lows[number], highs[number], *how
        )
        found[f"tensors_{number}"] = tf.quantization.fake_quant_with_min_max_vars(
            x, low, high, *how
        )
        if low < high:
            found[f"attributes_{number}"] = (
                tf.quantization.fake_quant_with_min_max_args(x, low, high, *how)
            )
    found["channels"] = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        x, [-3.0, -1.0, 0.0, 0.5], [3.0, 2.0, 0.0, 4.0]
    )
    found["channels_of_inputs"] = (
        tf.quantization.fake_quant_with_min_max_vars_per_channel(
            x, lows[3:7], highs[3:7]
        )
    )
    return found


@pytest.mark.slow
def test_fake_quantization_gives_tensorflows_numbers(tmp_path: Path) -> None:
    module = tf.Module()
    lows, highs = (np.float32(each) for each in list(zip(*RANGES, strict=True))[:2])
    specs = [
        tf.TensorSpec([None, 4], tf.float32, "x"),
        tf.TensorSpec(lows.shape, tf.float32, "lows"),
        tf.TensorSpec(highs.shape, tf.float32, "highs"),
    ]
    module.f = tf.function(quantized, input_signature=specs, autograph=False)
    tf.saved_model.save(module, tmp_path / "model", signatures=module.f)
    path = tfnative.compile(
        tmp_path / "model", tmp_path / "a", cpus=["native"], batch_sizes=[2]
    )
    random = np.random.default_rng(0).uniform(-8, 8, (4000, 4)).astype(np.float32)
    ties = np.arange(-400, 400, dtype=np.float32).reshape(-1, 4) / 40
    with tfnative.load(path) as model:
        for x in (ODD, random, ties):
            found = model.predict({"x": x, "lows": lows, "highs": highs})
            for name, wanted in quantized(tf.constant(x), lows, highs).items():
                np.testing.assert_array_equal(found[name], wanted, err_msg=name)
