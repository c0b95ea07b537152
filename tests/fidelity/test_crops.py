# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Crops of images are those of TensorFlow's kernel for CPUs, bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tests.fidelity.compiled import both
from tests.turns import Once
from tfnative.errors import CompileError

pytestmark = pytest.mark.slow  # A compilation of many crops.

COUNT = 24
SIZES = [(1, 1), (1, 4), (5, 1), (6, 7)]
TYPES = ["uint8", "int16", "float32", "float64", "int64"]


def drawn_boxes(rng: np.random.Generator) -> Any:
    """Inside and outside of images, reversed, without area, and far away."""
    found = rng.random((COUNT, 4)) * 1.6 - 0.3
    found[::3] = np.round(found[::3] * 4) / 4
    found[1] = [0, 0, 1, 1]
    found[2] = [1, 1, 0, 0]
    found[3] = [0.25, 0.25, 0.25, 0.25]
    found[4] = [2, 2, 3, 3]
    found[5] = [-1e30, 0, 1e30, 1]
    found[6] = [1e-40, -1e-40, 1, 1]
    return found.astype(np.float32)


def crops(images: Any, boxes: Any, numbers: Any) -> dict[str, Any]:
    found = {}
    # What is cast is finite, and has no sign.
    plain = tf.where(tf.math.is_finite(images), tf.abs(images), 0.0)
    for method in ("bilinear", "nearest"):
        for size in SIZES:
            found[f"{method}_{size[0]}_{size[1]}"] = tf.image.crop_and_resize(
                images, boxes, numbers, size, method, extrapolation_value=-7.5
            )
        for kind in TYPES[method == "nearest" :: 2]:
            found[f"{method}_{kind}"] = tf.raw_ops.CropAndResize(
                image=tf.cast(tf.minimum(plain, 200.0), kind),
                boxes=boxes,
                box_ind=numbers,
                crop_size=[4, 3],
                method=method,
            )
    return found


def test_crops_are_those_of_tensorflow(once: Once) -> None:
    rng = np.random.default_rng(3)
    images = (rng.standard_normal((3, 7, 9, 2)) * 100).astype(np.float32)
    images[0, 2, 3] = [np.nan, np.inf]
    inputs = {
        "images": images,
        "boxes": drawn_boxes(rng),
        "numbers": rng.integers(0, 3, COUNT).astype(np.int32),
    }
    found, wanted = both(once, "crops", crops, inputs)
    for name, each in wanted.items():
        np.testing.assert_array_equal(found[name], each, name)


def test_crops_of_each_image_leave_rows_independent(tmp_path: Path) -> None:
    shapes = {"images": [None, 8, 8, 3], "boxes": [None, 2, 4]}
    specs = [tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()]

    @tf.function(input_signature=specs)
    def f(images: Any, boxes: Any) -> dict[str, Any]:
        rows = tf.shape(images)[0]
        numbers = tf.repeat(tf.range(rows), 2)
        flat = tf.reshape(boxes, [-1, 4])
        cut = tf.image.crop_and_resize(images, flat, numbers, [3, 3])
        return {"y": tf.reshape(cut, [rows, 2, 3, 3, 3])}

    module = tf.Module()
    module.f = f
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=f)
    artifact = tfnative.compile(tmp_path / "m", tmp_path / "a", cpus=["native"])
    rng = np.random.default_rng(5)
    images = rng.random((5, 8, 8, 3)).astype(np.float32)
    boxes = rng.random((5, 2, 4)).astype(np.float32)
    with tfnative.load(artifact) as model:
        found = model.predict({"images": images, "boxes": boxes})
        assert model.manifest.signatures["serving_default"].rows == "proved"
    np.testing.assert_array_equal(found["y"], f(images, boxes)["y"].numpy())


def test_crops_without_pixels_are_refused(tmp_path: Path) -> None:
    def f(images: Any) -> dict[str, Any]:
        boxes, numbers = tf.constant([[0.0, 0, 1, 1]]), tf.constant([0])
        return {"y": tf.image.crop_and_resize(images, boxes, numbers, [0, 3])}

    specs = [tf.TensorSpec([1, 8, 8, 3], tf.float32, "images")]
    module = tf.Module()
    module.f = tf.function(f, input_signature=specs)
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.f)
    with pytest.raises(CompileError, match="crop dimensions must be positive"):
        tfnative.compile(tmp_path / "m", tmp_path / "a", cpus=["native"])
