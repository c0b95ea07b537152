# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loops and branches in loops, and masks, give what they give in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfnative
from tests.turns import Once

NAN, INF = float("nan"), float("inf")


def _branch(row: Any) -> Any:
    return tf.cond(
        tf.reduce_sum(row) > 0,
        lambda: tf.cast(tf.argmax(row), tf.float32) + row,
        lambda: -row,
    )


def _until(row: Any) -> Any:
    return tf.while_loop(lambda v: tf.reduce_max(v) < 9, lambda v: v + 4, [row])[0]


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "a loop in a loop": lambda x: tf.map_fn(lambda r: tf.map_fn(lambda v: 2 * v, r), x),
    "a branch in a loop": lambda x: tf.map_fn(_branch, x),
    "a loop with an end in a loop": lambda x: tf.map_fn(_until, x),
    "a scan in a loop": lambda x: tf.map_fn(
        lambda r: tf.scan(lambda a, v: a + v, r), x
    ),
    "a mask of comparisons": lambda x: x * tf.cast(x > 0, tf.float32),
    "a mask of lengths": lambda x: x * tf.sequence_mask([1, 2, 0], 3, tf.float32),
    "a mask in half precision": lambda x: (
        tf.cast(x, tf.float16) * tf.cast(x > 0, tf.float16)
    ),
}
X = np.float32([[1, NAN, -INF], [-1, 2, 3], [-2, INF, 1]])


@pytest.mark.slow
def test_bodies_and_masks_give_what_they_give_in_tensorflow(once: Once) -> None:
    module = tf.Module()
    module.f = tf.function(
        lambda x: {f"y{n}": each(x) for n, each in enumerate(FUNCTIONS.values())},
        input_signature=[tf.TensorSpec([3, 3], tf.float32, "x")],
        autograph=False,
    )

    def make(folder: Path) -> Path:
        tf.saved_model.save(module, str(folder / "model"), signatures=module.f)
        return tfnative.compile(
            folder / "model", folder / "bodies", name="bodies", cpus=["native"]
        )

    with tfnative.load(once("bodies", make)) as model:
        for x in (X, np.nan_to_num(X, posinf=4, neginf=-4), -X):
            found, wanted = model.predict(x), module.f(tf.constant(x))
            for number, name in enumerate(FUNCTIONS):
                np.testing.assert_array_equal(
                    found[f"y{number}"], wanted[f"y{number}"].numpy(), err_msg=name
                )


def test_a_list_that_would_have_to_grow_is_refused(tmp_path: Path) -> None:
    def call(i: Any) -> dict[str, Any]:
        place = tf.where(i == 12345, 6, 1)
        array = tf.TensorArray(tf.float32, size=4, dynamic_size=True)
        return {"size": array.write(place, 5.0).size()}

    module = tf.Module()
    module.f = tf.function(call, input_signature=[tf.TensorSpec([], tf.int32, "i")])
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.f)
    artifact = tfnative.compile(
        tmp_path / "model", tmp_path / "grows", name="grows", cpus=["native"]
    )
    with tfnative.load(artifact) as model:
        assert model.predict(np.int32(1)) == 4
        with pytest.raises(tfnative.InvalidArgumentError, match="lists do not grow"):
            model.predict(np.int32(12345))
