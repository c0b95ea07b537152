# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loops with a round for each row: proved where each round sees its own row alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.aot.rows.functions import MATRIX, Function, count, real, verdict_on
from tests.turns import Once

pytestmark = pytest.mark.slow  # Many small programs.


def loop(
    step: Any,
    *,
    first: int = 0,
    by: int = 1,
    until: Any = lambda i, x: i < count(x),
) -> Function:
    """A loop that keeps what each round gives.

    Args:
        step: Takes the number of the round, the rows, and what is kept, and gives it.
        first: The number of the first round.
        by: What it grows by.
        until: Whether there is another round.
    """

    def function(x: Any) -> Any:
        kept = tf.TensorArray(tf.float32, count(x), element_shape=[3])
        return tf.while_loop(
            lambda i, _: until(i, x),
            lambda i, kept: (i + by, step(i, x, kept)),
            [first, kept],
        )[1].stack()

    return function


def _nested(x: Any) -> Any:
    """For each row, a loop over its features."""

    def of_row(row: Any) -> Any:
        return tf.while_loop(
            lambda i, _: i < 3, lambda i, total: (i + 1, total + row[i]), [0, 0.0]
        )[1]

    return tf.map_fn(of_row, x)


def _all_pairs(x: Any) -> Any:
    """For each row, a loop over all rows."""
    return tf.map_fn(lambda a: tf.reduce_sum(tf.map_fn(lambda b: a * b, x), 0), x)


def _carried(x: Any) -> Any:
    """Each row with the row before it."""

    def step(i: Any, before: Any, kept: Any) -> Any:
        return i + 1, x[i], kept.write(i, x[i] + before)

    kept = tf.TensorArray(tf.float32, count(x), element_shape=[3])
    return tf.while_loop(lambda i, *_: i < count(x), step, [0, tf.zeros([3]), kept])[
        2
    ].stack()


def _threshold(x: Any) -> Any:
    """A loop that does not begin for 1000 rows and more, by a number from outside."""
    most = tf.constant(1000)
    return tf.while_loop(
        lambda i, _: tf.logical_and(i < 5, count(x) < most),
        lambda i, y: (i + 1, y * 1.5),
        [0, x],
    )[1]


def _by_hand(x: Any) -> Any:
    given = tf.TensorArray(tf.float32, count(x)).unstack(x)
    return loop(lambda i, x, kept: kept.write(i, tf.exp(given.read(i))))(x)


WEIGHTS = tf.constant(MATRIX)

PROVED: dict[str, Function] = {
    "mapped": lambda x: tf.map_fn(lambda row: row * 2 + tf.reduce_sum(row), x),
    "products": lambda x: tf.map_fn(lambda row: tf.linalg.matvec(WEIGHTS, row), x),
    "several": lambda x: tf.map_fn(
        lambda pair: pair[0] * pair[1][0] + 1.0,
        (x, x * 2),
        fn_output_signature=tf.float32,
    ),
    "other types": lambda x: tf.map_fn(tf.argmax, x, fn_output_signature=tf.int64),
    "a table": lambda x: tf.map_fn(
        lambda row: tf.gather(WEIGHTS, tf.cast(row, tf.int32) % 3), x
    ),
    "sorted": lambda x: tf.map_fn(tf.sort, x),
    "nested": _nested,
    "one after the other": lambda x: tf.map_fn(tf.tanh, tf.map_fn(tf.sin, x)),
    "written by hand": _by_hand,
    "nothing of the row": lambda x: tf.map_fn(lambda _: tf.constant([1.0, 2.0]), x),
    "batches of one": lambda x: tf.map_fn(
        lambda row: tf.nn.softmax(row[None] @ WEIGHTS)[0], x
    ),
}

NOT_PROVED: dict[str, Function] = {
    "the number of the round": lambda x: tf.map_fn(
        lambda pair: pair[0] + real(pair[1]),
        (x, tf.range(count(x))),
        fn_output_signature=tf.float32,
    ),
    "the counter": loop(lambda i, x, kept: kept.write(i, x[i] + real(i))),
    "a choice by the counter": loop(
        lambda i, x, kept: kept.write(i, tf.where(i > 5000, -x[i], x[i]))
    ),
    "relative to the mean": lambda x: tf.map_fn(lambda row: row - tf.reduce_mean(x), x),
    "with all rows": lambda x: tf.map_fn(lambda row: tf.reduce_sum(x * row, 0), x),
    "all pairs": _all_pairs,
    "the row before": loop(lambda i, x, kept: kept.write(i, x[tf.maximum(i - 1, 0)])),
    "the first row": loop(lambda i, x, kept: kept.write(i, x[i] - x[0])),
    "into other rows": loop(lambda i, x, kept: kept.write(count(x) - 1 - i, x[i])),
    "into the first row": loop(lambda i, x, kept: kept.write(0, x[i])),
    "not the first row": loop(lambda i, x, kept: kept.write(i, x[i]), first=1),
    "every other row": loop(lambda i, x, kept: kept.write(i, x[i]), by=2),
    "not the last row": loop(
        lambda i, x, kept: kept.write(i, x[i]), until=lambda i, x: i < count(x) - 1
    ),
    "the first 5000 rows": loop(
        lambda i, x, kept: kept.write(i, x[i]),
        until=lambda i, x: tf.logical_and(i < count(x), i < 5000),
    ),
    "at most 5000 rows": loop(
        lambda i, x, kept: kept.write(i, x[i]),
        until=lambda i, x: i < tf.minimum(count(x), 5000),
    ),
    "until a row is large": loop(
        lambda i, x, kept: kept.write(i, x[i]),
        until=lambda i, x: tf.logical_and(i < count(x), x[i, 0] < 3.0),
    ),
    "by a number from outside": _threshold,
    "carried": _carried,
    "larger in each round": lambda x: tf.while_loop(
        lambda i, y: i < count(x), lambda i, y: (i + 1, y * 1.1), [0, x]
    )[1],
    "a number that grows": lambda x: (
        x
        * tf.while_loop(
            lambda i, y: i < count(x), lambda i, y: (i + 1, y * 1.1), [0, 1.0]
        )[1]
    ),
    "a place that is not a row": lambda x: (
        x
        + tf.while_loop(
            lambda i, _: i < count(x),
            lambda i, y: (i + 1, tf.tensor_scatter_nd_add(y, [[0]], [1.0])),
            [0, tf.zeros([3])],
        )[1]
    ),
    "written twice, if there are more rows": loop(
        lambda i, x, kept: kept.write(i, tf.ones([3])).write(
            tf.minimum(i + 1, count(x) - 1), x[i]
        )
    ),
    "a running sum": lambda x: tf.scan(lambda a, b: a + b, x),
    "the last row": lambda x: (
        x
        + tf.while_loop(
            lambda i, _: i < count(x), lambda i, _: (i + 1, x[i]), [0, tf.zeros([3])]
        )[1]
    ),
    "how many rounds there were": lambda x: (
        x + real(tf.while_loop(lambda i: i < count(x), lambda i: [i + 1], [0])[0])
    ),
    "read from what is written": loop(
        lambda i, x, kept: kept.write(i, x[i] + tf.reduce_sum(kept.stack()))
    ),
}


@pytest.mark.parametrize("name", PROVED)
def test_rounds_that_see_their_own_row_alone_are_proved(name: str):
    verdict = verdict_on(PROVED[name])
    assert (verdict.kind, verdict.reason) == ("proved", "")


@pytest.mark.parametrize("name", NOT_PROVED)
def test_other_rounds_are_not(name: str):
    verdict = verdict_on(NOT_PROVED[name])
    assert verdict.kind in ("dependent", "unknown")
    assert verdict.reason


def test_they_are_batched_like_other_rows(once: Once):
    function = PROVED["mapped"]

    def make(folder: Path) -> Path:
        module = tf.Module()
        spec = [tf.TensorSpec([None, 3], tf.float32, "x")]
        module.f = tf.function(lambda x: {"y": function(x)}, input_signature=spec)
        tf.saved_model.save(module, str(folder / "model"), signatures=module.f)
        return tfnative.compile(
            folder / "model", folder / "it", cpus=["native"], batch_sizes=(1, 4)
        )

    x = np.random.default_rng(3).standard_normal((11, 3)).astype(np.float32)
    with tfnative.load(once("rows/mapped", make)) as model:
        for rows in (0, 1, 2, 4, 7, 11):
            found = model.predict({"x": x[:rows]})["y"]
            wanted = tf.function(function)(tf.constant(x[:rows]))
            np.testing.assert_allclose(found, wanted, rtol=1e-6)
