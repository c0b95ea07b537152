# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models that say themselves how they are rounded answer as TensorFlow does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.turns import Once
from tfnative.errors import InvalidArgumentError
from tfnative.manifest import Manifest

Round = Callable[..., Any]
SHAPE = (8, 8, 4)
RANGE = (-2.1, 2.3)
"""Of what every model here gives."""


def vars_(x: Any, low: float, high: float) -> Any:
    import tensorflow as tf

    return tf.quantization.fake_quant_with_min_max_vars(x, low, high)


def args(x: Any, low: float, high: float) -> Any:
    import tensorflow as tf

    return tf.quantization.fake_quant_with_min_max_args(x, low, high)


def narrow(x: Any, low: float, high: float) -> Any:
    import tensorflow as tf

    return tf.quantization.fake_quant_with_min_max_vars(
        x, low, high, narrow_range=True
    )


def four_bits(x: Any, low: float, high: float) -> Any:
    import tensorflow as tf

    return tf.quantization.fake_quant_with_min_max_vars(x, low, high, num_bits=4)


def around_zero(op: str, **options: Any) -> Round:
    def rounded(x: Any, low: float, high: float) -> Any:
        import tensorflow as tf

        given = {"num_bits": 8} if op.endswith("V3") else {}
        return getattr(tf.raw_ops, op)(
            input=x, input_min=low, input_max=high, range_given=True, **given, **options
        )

    return rounded


WAYS: dict[str, Round] = {
    "FakeQuantWithMinMaxVars": vars_,
    "FakeQuantWithMinMaxArgs": args,
    "narrow": narrow,
    "four bits": four_bits,
    "V2": around_zero("QuantizeAndDequantizeV2"),
    "V2, halves up": around_zero("QuantizeAndDequantizeV2", round_mode="HALF_UP"),
    "V3, narrow": around_zero("QuantizeAndDequantizeV3", narrow_range=True),
    "V4": around_zero("QuantizeAndDequantizeV4"),
}


def weights(*shape: int, seed: int) -> Any:
    """With a range for each channel, as training in Keras leaves them."""
    import tensorflow as tf

    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    values /= np.float32(np.sqrt(np.prod(shape[:-1])))
    most = np.abs(values).reshape(-1, shape[-1]).max(axis=0) * np.float32(0.9)
    return tf.quantization.fake_quant_with_min_max_vars_per_channel(
        values, -most, most, narrow_range=True
    )


def of_one_range(values: Any) -> Any:
    most = np.abs(values).max()
    return narrow(values, -most, most)


def network(x: Any, rounded: Round) -> Any:
    """All that stays in 8 bits, with what training rounds, and nothing else."""
    import tensorflow as tf

    bias = np.linspace(-0.1, 0.3, 8, dtype=np.float32)
    x = rounded(x, -1.0, 1.1)
    a = tf.nn.relu(tf.nn.conv2d(x, weights(3, 3, 4, 8, seed=1), 1, "SAME") + bias)
    a = rounded(a, 0.0, 2.0)
    depthwise = tf.transpose(weights(3, 3, 1, 8, seed=2), [0, 1, 3, 2])
    b = tf.nn.depthwise_conv2d(a, depthwise, [1] * 4, "SAME")
    b = rounded(tf.nn.relu6(b + bias), 0.0, 2.5)
    b = tf.nn.conv2d(b, weights(1, 1, 8, 8, seed=3), 1, "SAME")
    c = rounded(a + b, -2.0, 3.0)
    c = tf.nn.max_pool2d(tf.concat([c, c], 3), 2, 2, "VALID")
    d = tf.nn.conv2d(c, weights(3, 3, 16, 8, seed=4), 1, "SAME")
    d = rounded(d, -2.0, 2.0)
    d = rounded(tf.nn.swish(d), -0.4, 2.0)
    d = rounded(d * tf.sigmoid(d), -0.3, 1.8)
    d = rounded(tf.reduce_mean(d, [1, 2]), -0.5, 0.5)
    return rounded(tf.matmul(d, weights(8, 12, seed=5)) * 4.0, *RANGE)


def save(folder: Path, function: Callable[[Any], Any]) -> Path:
    import tensorflow as tf

    made = tf.Module()
    specs = [tf.TensorSpec([None, *SHAPE], tf.float32, "x")]
    made.f = tf.function(
        lambda x: {"y": function(x)}, input_signature=specs, autograph=False
    )
    tf.saved_model.save(made, str(folder), signatures=made.f)
    return folder


def compiled(folder: Path, function: Callable[[Any], Any], **options: Any) -> Path:
    return tfnative.compile(
        *(save(folder / "model", function), folder / "it"),
        **{"precision": "int8", "cpus": ["native"], "winograd": False, **options},
    )


def samples(rows: int = 64) -> Any:
    rng = np.random.default_rng(7)
    return rng.uniform(-1.2, 1.2, (rows, *SHAPE)).astype(np.float32)


def answers(path: Path, x: Any) -> Any:
    with tfnative.load(path) as model:
        return model.predict({"x": x})["y"]


def reference(function: Callable[[Any], Any], x: Any) -> Any:
    import tensorflow as tf

    return function(tf.constant(x)).numpy()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_what_training_rounded_is_a_step_away_at_most(way: str, tmp_path: Path) -> None:
    x = samples()

    def function(given: Any) -> Any:
        return network(given, WAYS[way])

    wanted = reference(function, x)
    path = compiled(tmp_path, function)
    got = answers(path, x)
    step = np.diff(np.unique(wanted)).min()
    away = np.abs(got - wanted) / step
    np.testing.assert_allclose(away, np.rint(away), atol=1e-2)
    assert away.max() < 1.01, away.max()
    assert (away > 0.5).mean() < 0.05
    layers = Manifest.read(path / "manifest.json").signatures[0].precision
    print(layers, np.mean(away>0.5))
