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

    return tf.quantization.fake_quant_with_min_max_vars(x, low, high, narrow_range=True)


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
    return {"y": rounded(tf.matmul(d, weights(8, 12, seed=5)) * 4.0, *RANGE)}


def save(folder: Path, function: Callable[[Any], Any]) -> Path:
    import tensorflow as tf

    made = tf.Module()
    specs = [tf.TensorSpec([None, *SHAPE], tf.float32, "x")]
    made.f = tf.function(function, input_signature=specs, autograph=False)
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
        return model.predict({"x": x})


def layers_of(path: Path) -> Any:
    manifest = Manifest.from_json((path / "manifest.json").read_text())
    (signature,) = manifest.signatures.values()
    assert signature.precision is not None
    return {each.node: each for each in signature.precision.layers}


def reference(function: Callable[[Any], Any], x: Any) -> Any:
    import tensorflow as tf

    return {name: y.numpy() for name, y in function(tf.constant(x)).items()}


def check(got: Any, wanted: Any) -> None:
    """At most one step away, and for few values: sums are added in another order."""
    step = np.diff(np.unique(wanted)).min()
    away = np.abs(got - wanted) / step
    np.testing.assert_allclose(away, np.rint(away), atol=1e-2)
    assert away.max() < 1.01, away.max()
    assert (away > 0.5).mean() < 0.03


@pytest.mark.slow
def test_all_that_training_rounded_stays_in_8_bits(tmp_path: Path) -> None:
    def function(x: Any) -> Any:
        return network(x, vars_)

    x = samples()
    path = compiled(tmp_path, function)
    check(answers(path, x)["y"], reference(function, x)["y"])
    layers = layers_of(path)
    assert len(layers) == 5
    for layer in layers.values():
        assert layer.computed == "int8"
        # They are whole numbers of these steps, but for float32's last bits.
        assert layer.signal_to_noise is None or layer.signal_to_noise > 110


def small(x: Any, rounded: Round) -> Any:
    import tensorflow as tf

    x = rounded(x, -1.0, 1.1)
    x = tf.nn.conv2d(x, weights(3, 3, 4, 8, seed=1), 2, "SAME")
    x = rounded(tf.nn.relu(x), 0.0, 2.0)
    x = tf.reshape(x, [-1, 128])
    matrix = np.random.default_rng(3).standard_normal((128, 12)).astype(np.float32) / 8
    return rounded(x @ of_one_range(matrix), *RANGE)


@pytest.mark.slow
def test_every_op_that_rounds_is_followed(tmp_path: Path) -> None:
    def function(x: Any) -> Any:
        return {name: small(x, way) for name, way in WAYS.items()}

    x = samples()
    path = compiled(tmp_path, function)
    got, wanted = answers(path, x), reference(function, x)
    for name in WAYS:
        check(got[name], wanted[name])
    assert {layer.computed for layer in layers_of(path).values()} == {"int8"}


def partly(x: Any) -> Any:
    """With functions before which nothing is rounded, and other things in between."""
    import tensorflow as tf

    x = vars_(x, -1.0, 1.1)
    a = tf.nn.conv2d(x, weights(3, 3, 4, 8, seed=1), 1, "SAME")
    a = vars_(tf.nn.swish(a), -0.4, 2.0)
    b = tf.nn.conv2d(x, weights(3, 3, 4, 8, seed=2), 1, "SAME")
    b = vars_(tf.nn.relu(b + 0.1), 0.0, 1.0)
    c = vars_(tf.concat([a, b], 3), -0.5, 2.0)  # Of two grids.
    c = tf.nn.max_pool2d(tf.concat([b, b], 3), 2, 2, "SAME") + c[:, ::2, ::2]
    c = tf.nn.conv2d(vars_(c, -1.0, 3.0), weights(1, 1, 16, 8, seed=3), 1, "SAME")
    finer = tf.quantization.fake_quant_with_min_max_vars(c, -3.0, 3.0, 16)
    d = tf.nn.conv2d(finer, weights(1, 1, 8, 8, seed=6), 1, "SAME")
    d = vars_(tf.reduce_mean(d, [1, 2]), -1.0, 1.0) @ weights(8, 12, seed=4)
    e = tf.reshape(vars_(c, -2.0, 2.0), [-1, 128])
    wide = np.random.default_rng(3).standard_normal((128, 12)).astype(np.float32) / 8
    f = e @ tf.quantization.fake_quant_with_min_max_vars(wide, -0.5, 0.5, 12)
    return {"y": vars_(d, *RANGE), "f": vars_(f, -2.0, 2.0), "c": c}


@pytest.mark.slow
def test_what_8_bits_do_not_hold_stays_float32(tmp_path: Path) -> None:
    x = samples(16)
    path = compiled(tmp_path, partly)
    got, wanted = answers(path, x), reference(partly, x)
    check(got["y"], wanted["y"])
    check(got["f"], wanted["f"])
    np.testing.assert_allclose(got["c"], wanted["c"], atol=0.04)
    reasons = {layer.reason for layer in layers_of(path).values()}
    assert reasons == {
        "",
        "the model rounds its weights to 12 bits",
        "the model rounds its input to 16 bits",
    }


def without_input(x: Any) -> Any:
    import tensorflow as tf

    x = tf.nn.conv2d(x * 1.5, weights(3, 3, 4, 8, seed=1), 2, "SAME")
    return {"y": vars_(tf.nn.relu(x), 0.0, 2.0)}


def test_what_has_no_range_is_named_and_calibrated(tmp_path: Path) -> None:
    said = r"--calibration\. The model itself has no ranges of .*mul"
    with pytest.raises(InvalidArgumentError, match=said):
        compiled(tmp_path, without_input)
    x = samples()
    path = tfnative.compile(
        *(tmp_path / "model", tmp_path / "it"),
        precision="int8",
        cpus=["native"],
        calibration={"x": x},
    )
    got, wanted = answers(path, x)["y"], reference(without_input, x)["y"]
    step = 2.0 / 255
    np.testing.assert_allclose(got / step, np.rint(got / step), atol=1e-2)
    assert np.abs(got - wanted).max() < 5 * step
