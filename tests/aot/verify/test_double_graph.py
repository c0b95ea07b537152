# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs in float64 compute what the original would without rounding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

from tfnative_aot.freeze.freeze import freeze
from tfnative_aot.load.load_model import load_model
from tfnative_aot.verify.exact import Exact

RNG = np.random.default_rng(3)
MATRIX = RNG.standard_normal((200, 100)).astype(np.float32)  # Large: cast, not copied.
CHANNEL = [(RNG.random(100) + 0.5).astype(np.float32) for _ in range(4)]
X = RNG.standard_normal((3, 200)).astype(np.float32)


def exact_of(function: Callable[[Any], Any], folder: Path, dtype: Any) -> Exact:
    module = tf.Module()
    spec = tf.TensorSpec([None, 200], dtype, name="x")
    module.f = tf.function(
        lambda x: named(function(x)), input_signature=[spec], autograph=False
    )
    tf.saved_model.save(module, str(folder), signatures=module.f)
    model = load_model(folder)
    return Exact(model, freeze(model, "serving_default"))


def named(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {"y": found}


def normalized(x: Any) -> Any:
    product = tf.linalg.matmul(x, MATRIX)[:, None, None]
    scale, offset, mean, variance = CHANNEL
    return tf.compat.v1.nn.fused_batch_norm(
        product, scale, offset, mean, variance, epsilon=1e-3, is_training=False
    )[0][:, 0, 0]


def loop(x: Any) -> Any:
    return tf.while_loop(
        lambda i, _: i < 3, lambda i, y: (i + 1, tf.tanh(y) * 0.7), (0, x)
    )[1]


def test_a_product_and_a_normalization(tmp_path: Path) -> None:
    found = exact_of(normalized, tmp_path, tf.float32).outputs({"x": X})
    scale, offset, mean, variance = (array.astype(np.float64) for array in CHANNEL)
    epsilon = np.float64(np.float32(1e-3))
    product = X.astype(np.float64) @ MATRIX.astype(np.float64)
    want = (product - mean) / np.sqrt(variance + epsilon) * scale + offset
    np.testing.assert_allclose(found["y"], want, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_short_floats_and_loops(dtype: str, tmp_path: Path) -> None:
    kind = tf.dtypes.as_dtype(dtype)
    inputs = {"x": X.astype(kind.as_numpy_dtype)}
    found = exact_of(loop, tmp_path, kind).outputs(inputs)
    factor = np.float64(np.asarray(0.7, kind.as_numpy_dtype))
    want = inputs["x"].astype(np.float64)
    for _ in range(3):
        want = np.tanh(want) * factor
    np.testing.assert_allclose(found["y"], want, rtol=1e-12)


def test_what_is_drawn_stays_what_float32_draws(tmp_path: Path) -> None:
    def noisy(x: Any) -> Any:
        return x + tf.random.stateless_uniform([200], [1, 2])

    found = exact_of(noisy, tmp_path, tf.float32).outputs({"x": X})
    np.testing.assert_allclose(found["y"], noisy(tf.constant(X)), atol=1e-6)


def test_boxes_are_chosen_by_float32_of_what_float64_computes(tmp_path: Path) -> None:
    def detect(x: Any) -> Any:
        boxes = tf.reshape(x[:, :160] * 2 + 0.5, [-1, 40, 1, 4])
        scores = tf.reshape(x[:, 160:] / 3 + 1, [-1, 40, 1])
        chosen, best, _, count = tf.image.combined_non_max_suppression(
            *(boxes, scores, 9, 9, 0.1, 1.0), clip_boxes=False
        )
        softened = tf.raw_ops.NonMaxSuppressionV5(
            boxes=boxes[0, :, 0],
            scores=scores[0, :, 0],
            max_output_size=5,
            iou_threshold=0.5,
            score_threshold=0.0,
            soft_nms_sigma=0.5,
            pad_to_max_output_size=True,
        )[1]
        crops = tf.image.crop_and_resize(
            tf.reshape(x, [-1, 10, 20, 1]), [[0.1, 0.2, 0.7, 0.9]], [1], [2, 3]
        )
        found = [chosen, best, tf.cast(count, tf.float32), softened, crops]
        return tf.concat([tf.reshape(each, [-1]) for each in found], 0)

    found = exact_of(detect, tmp_path, tf.float32).outputs({"x": X})
    assert found["y"].dtype == np.float64
    np.testing.assert_allclose(found["y"], detect(tf.constant(X)), 1e-5, 1e-6)


def test_what_float64_does_not_have_is_named(tmp_path: Path) -> None:
    def resized(x: Any) -> Any:
        images = tf.reshape(x, [-1, 10, 20, 1])
        return tf.image.resize(images, [5, 10])

    exact = exact_of(resized, tmp_path, tf.float32)
    assert exact.outputs({"x": X}) == {}
    assert exact.reasons == {"y": "ResizeBilinear has no other type than float32"}


def pooled(x: Any) -> Any:
    """TensorFlow's graph may have it in float64, but nothing computes it."""
    return tf.nn.avg_pool3d(tf.reshape(x, [-1, 5, 5, 8, 1]), 2, 2, "VALID")


def looked_up(x: Any) -> Any:
    return tf.image.resize(tf.reshape(x, [-1, 10, 20, 1]), [5, 10])


def in_a_loop(x: Any) -> Any:
    return tf.while_loop(
        lambda i, _: i < 3, lambda i, y: (i + 1, y + tf.reduce_mean(pooled(y))), (0, x)
    )[1]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (pooled, "TensorFlow has no AvgPool3D in float64"),
        (looked_up, "ResizeBilinear has no other type than float32"),
        (in_a_loop, "TensorFlow has no AvgPool3D in float64"),
    ],
)
def test_an_op_takes_float64_from_those_outputs_alone_that_need_it(
    other: Callable[[Any], Any], reason: str, tmp_path: Path
) -> None:
    def several(x: Any) -> dict[str, Any]:
        return {"first": x * 3, "other": other(x), "last": loop(x)}

    exact = exact_of(several, tmp_path, tf.float32)
    for _ in range(2):
        found = exact.outputs({"x": X})
        assert found.keys() == {"first", "last"}
        np.testing.assert_array_equal(found["first"], X.astype(np.float64) * 3)
        assert exact.reasons == {"other": reason}
        exact.release()
    # All of "first" moves as x does.
    reach = exact.reach({"x": X})
    np.testing.assert_allclose(reach["first"], np.abs(X) * 3, rtol=1e-5)
