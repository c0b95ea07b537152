# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Colours of odd pixels, and losses of odd logits, are TensorFlow's."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.fidelity.compiled import both, differing
from tests.turns import Once

pytestmark = pytest.mark.slow
RANDOM = np.random.default_rng(5)
NUMBERS = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 0.5, -0.3, 2.0, 1e30]


def test_pixels_of_all_numbers_have_tensorflows_colours(once: Once) -> None:
    pixels = np.array([*itertools.product(NUMBERS, repeat=3)], np.float32)
    images = RANDOM.uniform(0, 1, (20, 5, 4, 3)).astype(np.float32)
    for number, value in enumerate(NUMBERS):
        images[number, 1, 2, 1] = images[number + 10] = value

    def compute(pixels: Any, images: Any) -> dict[str, Any]:
        return {
            "hsv": tf.image.rgb_to_hsv(pixels),
            "rgb": tf.image.hsv_to_rgb(pixels),
            "hue": tf.image.adjust_hue(pixels[:, None], 0.3),
            "less": tf.image.adjust_saturation(pixels[:, None], 0.3),
            "more": tf.image.adjust_saturation(pixels[:, None], 1.7),
            "contrast": tf.image.adjust_contrast(images, 1.5),
            "images": tf.map_fn(lambda x: tf.image.adjust_contrast(x, 0.5), images),
        }

    inputs = {"pixels": pixels, "images": images}
    found, wanted = both(once, "odd_colours", compute, inputs)
    for name, each in wanted.items():
        assert not differing(found[name], each, 1e-4, 1e-6).any(), name


def test_losses_of_impossible_classes_are_tensorflows(once: Once) -> None:
    x = RANDOM.standard_normal((30, 5)).astype(np.float32)
    for number, value in enumerate(NUMBERS):
        x[number, 1] = x[number + 10] = value
    labels = np.eye(5, dtype=np.float32)[RANDOM.integers(0, 5, 30)]
    labels[::3] = RANDOM.uniform(0, 1, (10, 5))
    labels[1] = 0

    def compute(x: Any, labels: Any) -> dict[str, Any]:
        raw = tf.raw_ops.SoftmaxCrossEntropyWithLogits(
            features=x[20:], labels=labels[20:]
        )
        classes = tf.argmax(labels, 1)
        entropy = tf.nn.softmax_cross_entropy_with_logits
        return {
            "loss": entropy(labels, x),
            "one label": entropy(labels[3:4], x),
            "float64": entropy(tf.cast(labels, tf.float64), tf.cast(x, tf.float64)),
            "sparse": tf.nn.sparse_softmax_cross_entropy_with_logits(classes, x),
            "both": raw.loss[:, None] + raw.backprop,
            "keras": tf.keras.losses.categorical_crossentropy(labels, tf.nn.softmax(x)),
            "poisson": tf.nn.log_poisson_loss(tf.abs(x) * 1e20, x * 1e20, True),
        }

    found, wanted = both(once, "odd_losses", compute, {"x": x, "labels": labels})
    for name, each in wanted.items():
        assert not differing(found[name], each, 1e-4, 1e-5).any(), name
