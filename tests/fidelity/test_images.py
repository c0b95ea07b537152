# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Colours and sizes of images, volumes, and quantized weights are TensorFlow's.

Also in the bodies of loops and branches, where tf.map_fn puts them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models.saving import function_save
from tfnative_aot.load.load_model import load_model

pytestmark = pytest.mark.slow  # Two compilations of many ops.

ROWS = 4
Tensors = dict[str, Any]


def colours(x: Any) -> Tensors:
    import tensorflow as tf

    image, corners = tf.image, tf.round(x)  # Grey, and pure colours.
    turns = {f"hue_{turn}": image.adjust_hue(x, turn) for turn in (-1, -0.4, 0.2, 0.9)}
    return {
        **turns,
        "corners": image.adjust_hue(corners, 0.25),
        "outside": image.adjust_hue(x * 4 - 2, 0.3),
        "by_data": image.adjust_hue(x, x[0, 0, 0, 0]),
        "bytes": image.adjust_hue(tf.cast(x * 255, tf.uint8), 0.6),
        "one_image": image.adjust_hue(x[0], 0.3),
        "saturated": image.adjust_saturation(x, 0.2),
        "saturated_corners": image.adjust_saturation(corners, 3.0),
        "hsv": image.rgb_to_hsv(x),
        "hsv_corners": image.rgb_to_hsv(corners),
        "rgb": image.hsv_to_rgb(x),
        "rgb_corners": image.hsv_to_rgb(corners),
        "contrast": image.adjust_contrast(x, 2.0),
        "brightness": image.adjust_brightness(x, 0.4),
    }


def inside(x: Any) -> Tensors:
    import tensorflow as tf

    weights = tf.constant(np.random.default_rng(1).standard_normal((2, 2, 2, 3, 2)))
    weights = tf.cast(weights, tf.float32)
    volume = tf.TensorSpec([2, 4, 4, 2], tf.float32)

    def convolved(row: Any) -> Any:
        return tf.nn.conv3d(tf.stack([row, row])[None], weights, [1] * 5, "SAME")[0]

    return {
        "hue": tf.map_fn(lambda row: tf.image.adjust_hue(row, 0.3), x),
        "resized": tf.map_fn(lambda row: tf.image.resize(row, [5, 9]), x),
        "volume": tf.map_fn(convolved, x, fn_output_signature=volume),
        "branch": tf.cond(
            x[0, 0, 0, 0] > 0.0, lambda: tf.image.adjust_hue(x, -0.4), lambda: x
        ),
    }


def volumes(x: Any) -> Tensors:
    import tensorflow as tf

    x = tf.stack([x, x * 2], 1)
    weights = tf.identity(tf.ones([2, 2, 2, 3, 3]) / 7)
    scaled = weights * x[0, 0, 0, 0, 0]
    shape = [ROWS, 4, 8, 8, 3]
    return {
        "computed": tf.nn.conv3d(x, scaled, [1] * 5, "SAME"),
        "behind_identity": tf.nn.conv3d_transpose(x, weights, shape, 2),
        "sum": tf.nn.conv3d(x, weights + scaled, [1] * 5, "VALID"),
    }


def quantized(x: Any) -> Tensors:
    import tensorflow as tf

    found = {}
    flat = tf.reshape(x, [ROWS, -1])
    values = np.random.default_rng(2).integers(-100, 100, (48, 700)).astype(np.int8)
    for mode, axis in (("MIN_COMBINED", -1), ("MIN_FIRST", -1), ("SCALED", 1)):
        size = () if axis < 0 else (700,)
        weights = tf.raw_ops.Dequantize(
            input=tf.bitcast(tf.constant(values), tf.qint8),
            min_range=tf.fill(size, -1.0),
            max_range=tf.fill(size, 2.0),
            mode=mode,
            axis=axis,
        )
        found[mode] = flat @ weights
    return found


@pytest.mark.parametrize("function", [colours, inside, volumes, quantized])
def test_images_are_those_of_tensorflow(function: Any, tmp_path: Path) -> None:
    save = function_save(function, x=((ROWS, 4, 4, 3), "float32"))
    path = save(tmp_path / "m")
    x = np.random.default_rng(4).random((ROWS, 4, 4, 3)).astype(np.float32)
    expected = load_model(path).run("serving_default", {"x": x})
    artifact = tfnative.compile(path, tmp_path / "a", cpus=["native"])
    with tfnative.load(artifact) as model:
        got = model.predict({"x": x})
    for name, output in expected.items():
        np.testing.assert_allclose(got[name], output, 1e-4, 1e-5, err_msg=name)
