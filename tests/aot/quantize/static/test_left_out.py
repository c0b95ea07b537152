# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that no kernel computes in 8 bits are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tfnative
from tests.aot.quantize.static.graphs import prepared, weights
from tests.aot.quantize.static.samples import normal
from tfnative_aot.progress import Silent
from tfnative_aot.quantize.calibrate.data import read_calibration
from tfnative_aot.quantize.static.quantize import StaticQuantizer


def net(x: Any) -> Any:
    """A convolution of volumes, one of images, and a transposed one of each."""
    import tensorflow as tf

    volumes = tf.nn.conv3d(x, weights(2, 2, 2, 3, 4) * 0.3, [1] * 5, "SAME")
    shape = [tf.shape(x)[0], 4, 8, 8, 4]
    volumes = tf.nn.conv3d_transpose(
        volumes, weights(2, 2, 2, 4, 4) * 0.3, shape, [1, 2, 2, 2, 1]
    )
    images = tf.nn.conv2d(volumes[:, 0], weights(3, 3, 4, 8) * 0.2, 1, "SAME")
    shape = [tf.shape(x)[0], 16, 16, 4]
    return tf.nn.conv2d_transpose(images, weights(2, 2, 4, 8) * 0.3, shape, 2)


def reasons(*, later: bool) -> dict[str, str]:
    """By the last parts of names."""
    of = prepared(net, None, 2, 4, 4, 3)
    data = read_calibration({"x": normal(1, 24, 2, 4, 4, 3)}, of.graph.inputs)
    quantizer = StaticQuantizer(of, data, "min-max", Silent())
    made = quantizer.quantized(others=None if later else ())
    return {layer.node.split("/", 2)[2]: layer.reason for layer in made.layers}


def test_each_layer_that_stays_float32_says_why():
    found = reasons(later=False)
    assert "transposed" in found["conv2d_transpose"]
    volumes = [name for name in found if name.startswith("conv3d_transpose/parts")]
    assert len(volumes) == 2
    assert all("transposed" in found[name] for name in volumes)


def test_what_is_rounded_afterwards_is_named_then():
    found = reasons(later=True)
    assert "conv2d_transpose" not in found
    assert any(name.startswith("conv3d_transpose/parts") for name in found)


def test_planes_of_kernels_of_three_dimensions_are_products():
    found = reasons(later=False)
    planes = [name for name in found if name.startswith("Conv3D/parts/Conv2D")]
    assert len(planes) == 2
    assert not any(found[name] for name in (*planes, "Conv2D"))


@pytest.mark.slow
def test_compiled_volumes_are_near_to_floats(tmp_path: Path):
    tf = pytest.importorskip("tensorflow")
    module = tf.Module()

    def call(x: Any) -> Any:
        kernel = weights(2, 3, 2, 3, 4) * 0.3
        x = tf.nn.conv3d(x, kernel, [1, 2, 1, 1, 1], "SAME")
        x = tf.nn.relu(tf.nn.bias_add(x, weights(4)))
        x = tf.nn.conv3d(x, weights(2, 2, 2, 4, 6) * 0.3, [1] * 5, "VALID")
        return {"y": tf.reduce_mean(tf.nn.relu(x), [1, 2, 3]) @ weights(6, 3)}

    spec = tf.TensorSpec((None, 4, 5, 6, 3), tf.float32, "x")
    module.call = tf.function(call, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.call)
    artifact = tfnative.compile(
        tmp_path / "saved",
        tmp_path / "net",
        precision="int8",
        calibration={"x": normal(3, 100, 4, 5, 6, 3)},
        cpus=["native"],
    )
    with tfnative.load(artifact) as model:
        precision = model.manifest.signatures["serving_default"].precision
    assert precision is not None
    assert [layer.computed for layer in precision.layers] == ["int8"] * 5
    for each in precision.outputs:
        assert each.signal_to_noise is not None
        assert each.signal_to_noise > 30
    assert tfnative.selftest(artifact).passed
