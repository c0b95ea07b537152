# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Of branches that sizes or constants choose, the one that is taken is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tests.fidelity.compiled import with_rows
from tests.turns import Once

pytestmark = pytest.mark.slow  # Many small compilations.

IMAGES = np.random.default_rng(11).random((3, 4, 6, 3), np.float32)
ROW = IMAGES.shape[1:]


def _padded(height: int, width: int) -> Any:
    return tf.keras.layers.Resizing(height, width, pad_to_aspect_ratio=True)


def _by_size(x: Any) -> Any:
    """As library code has it: what is not taken does not even fit."""
    shape = tf.shape(x)
    return tf.cond(
        shape[1] > shape[2],
        lambda: tf.concat([x, tf.zeros_like(x)[:, :, : shape[1] - shape[2]]], 2),
        lambda: tf.concat([x, tf.zeros_like(x)[:, : shape[2] - shape[1]]], 1),
    )


def _within(x: Any) -> Any:
    """A branch in a branch, of which both hold a check."""
    rank = tf.rank(x)

    def larger() -> Any:
        with tf.control_dependencies([tf.debugging.assert_less(x, -1e9)]):
            return x * 3

    def inner() -> Any:
        with tf.control_dependencies([tf.debugging.assert_less(x, 2.0, "too bright")]):
            return x + 1

    return tf.cond(
        rank > 4, larger, lambda: tf.cond(tf.equal(rank, 4), inner, lambda: x / 0)
    )


def _checked_loop(x: Any) -> Any:
    """A check on a size, which is a constant by the time, in a body."""

    def step(i: Any, a: Any) -> tuple[Any, Any]:
        size = tf.shape(a)[1]
        with tf.control_dependencies([tf.debugging.assert_less(size, 10, "large")]):
            return i + 1, a * 2

    return tf.while_loop(lambda i, _: i < 3, step, [0, x])[1]


def _case(index: int) -> Callable[[Any], Any]:
    ways = [lambda x=None, n=n: n for n in (1.0, 2.0, 3.0)]
    return lambda x: x * tf.switch_case(tf.constant(index), ways)


CASES: dict[str, Callable[[Any], Any]] = {
    **{f"rot90_{k}": lambda x, k=k: tf.image.rot90(x, k) for k in (-1, 0, 1, 2, 3, 5)},
    "pad_higher": _padded(8, 5),
    "pad_wider": _padded(5, 9),
    "pad_same": _padded(8, 12),
    "by_size": _by_size,
    "within": _within,
    # Its index is the row's number if there are several, and 0 if there is one.
    "mapped": lambda x: tf.vectorized_map(
        lambda image: tf.reverse(image, [0]) * tf.reduce_max(image), x
    ),
    **{f"case_{index}": _case(index) for index in (-1, 0, 1, 7)},
}


@pytest.mark.parametrize("name", CASES)
def test_the_branch_that_is_always_taken_is_compiled(once: Once, name: str) -> None:
    path = once(
        f"branches/{name}",
        lambda folder: with_rows(folder, CASES[name], ROW),
    )
    with tfnative.load(path) as model:
        assert model.manifest.signatures["serving_default"].rows == "proved"
        for rows in (0, 1, 3):
            wanted = CASES[name](tf.constant(IMAGES[:rows]))
            found = model.predict({"x": IMAGES[:rows]})["y"]
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


def test_a_check_of_a_size_in_a_loop_is_one_of_constants(once: Once) -> None:
    path = once("branches/loop", lambda folder: with_rows(folder, _checked_loop, ROW))
    with tfnative.load(path) as model:
        np.testing.assert_array_equal(
            model.predict({"x": IMAGES[:1]})["y"], IMAGES[:1] * 8
        )


def test_the_checks_of_that_branch_stay(once: Once) -> None:
    path = once("branches/within", lambda folder: with_rows(folder, _within, ROW))
    with (
        tfnative.load(path) as model,
        pytest.raises(tfnative.InvalidArgumentError, match="too bright"),
    ):
        model.predict({"x": IMAGES + 2})
