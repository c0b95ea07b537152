# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Means of numbers whose sum is too large for their type are TensorFlow's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.fidelity.compiled import both, differing
from tests.turns import Once

INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def integers() -> dict[str, Any]:
    random = np.random.default_rng(1)
    found = {}
    for name in INTEGERS:
        info = np.iinfo(name)
        found[name] = random.integers(
            info.min, info.max, (9, 300), np.dtype(name), endpoint=True
        )
    return found


def test_means_of_integers_wrap_around_where_those_of_tensorflow_do(
    once: Once,
) -> None:
    def means(*rows: Any) -> dict[str, Any]:
        found = {}
        for name, x in zip(INTEGERS, rows, strict=True):
            found[f"{name} rows"] = tf.reduce_mean(x, 1)
            found[f"{name} columns"] = tf.reduce_mean(x, 0, keepdims=True)
            found[f"{name} all"] = tf.reduce_mean(x)
        return found

    found, wanted = both(once, "means/integers", means, integers())
    for name, each in wanted.items():
        np.testing.assert_array_equal(found[name], each, name)


@pytest.mark.slow
def test_means_in_float16_are_infinite_where_their_sum_is(once: Once) -> None:
    # Sums of these are exact, or too large.
    random = np.random.default_rng(2)
    most = np.linspace(2, 120, 80, dtype=int)[:, None]
    x = (random.integers(0, most, (80, 49)) * 32).astype(np.float16)

    def means(x: Any) -> dict[str, Any]:
        images = tf.reshape(x, [80, 7, 7, 1])
        return {
            "rows": tf.reduce_mean(x, 1),
            "columns": tf.reduce_mean(x, 0, keepdims=True),
            "variance": tf.math.reduce_variance(x, 1),
            "deviation": tf.math.reduce_std(x, 1),
            "whole": tf.nn.avg_pool2d(images, 7, 1, "VALID"),
            "inside": tf.nn.avg_pool2d(8 * images, (3, 2), 2, "SAME"),
            "moments": tf.nn.moments(x, [1])[1],
        }

    found, wanted = both(once, "means/float16", means, {"x": x})
    for name, each in wanted.items():
        assert np.isinf(each).any(), name
        different = differing(found[name], each, 0.02)
        assert not different.any(), (name, np.flatnonzero(different))
