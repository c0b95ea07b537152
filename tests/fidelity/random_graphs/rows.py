# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops that mix rows, or use how many there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.fidelity.random_graphs.op import (
    Fits,
    Op,
    Result,
    Value,
    exact,
    exact_vectors,
    floats,
    kept,
    rounded,
    vectors,
)

MOST_ROWS = 64


def _op(
    name: str, fits: Fits, result: Result, function: Callable[[Any, Any], Any]
) -> Op:
    def call(a: Any) -> Any:
        import tensorflow as tf

        return function(tf, a)

    return Op(name, (fits,), result, call)


def _grown(a: Value) -> Value:
    return replace(a, bound=a.bound * MOST_ROWS)


def _total(a: Value) -> Value:
    return replace(a, bound=a.bound * MOST_ROWS, has_rows=False)


def _count(tf: Any, a: Any) -> Any:
    return tf.cast(tf.shape(a)[0], tf.float32)


def _numbers(tf: Any, a: Any) -> Any:
    numbers = tf.cast(tf.range(tf.shape(a)[0]), tf.float32)
    return tf.reshape(numbers, [-1] + [1] * (len(a.shape) - 1))


def _any_large(tf: Any, a: Any) -> Any:
    return tf.cond(tf.reduce_any(a > 7.5), lambda: -a, lambda: a)


def _many(tf: Any, a: Any) -> Any:
    return tf.cond(tf.shape(a)[0] > 8, lambda: -a, lambda: a)


def _recurrent(tf: Any, a: Any) -> Any:
    return tf.scan(lambda s, row: 0.5 * s + row, a, tf.zeros_like(a[0]))


def _previous(tf: Any, a: Any) -> Any:
    return a - tf.concat([a[:1], a[:-1]], 0)


OPS = (
    _op("cumsum_rows", floats, _grown, lambda tf, a: tf.cumsum(a, 0)),
    _op("reverse_rows", floats, kept, lambda tf, a: tf.reverse(a, [0])),
    _op("roll_rows", floats, kept, lambda tf, a: tf.roll(a, 1, 0)),
    _op("sort_rows", exact, kept, lambda tf, a: tf.sort(a, 0)),
    _op("softmax_rows", floats, rounded(1), lambda tf, a: tf.nn.softmax(a, 0)),
    _op("minus_largest", floats, _grown, lambda tf, a: a - tf.reduce_max(a, 0)),
    _op(
        "minus_mean",
        floats,
        lambda a: replace(a, bound=2 * a.bound, exact=False),
        lambda tf, a: a - tf.reduce_mean(a, 0),
    ),
    _op("by_count", floats, rounded(2**19), lambda tf, a: a / _count(tf, a)),
    _op(
        "numbered",
        floats,
        lambda a: replace(a, bound=a.bound + MOST_ROWS),
        lambda tf, a: a + _numbers(tf, a),
    ),
    _op("any_large", exact, kept, _any_large),
    _op("many", floats, kept, _many),
    _op("previous", exact_vectors, lambda a: replace(a, bound=2 * a.bound), _previous),
    _op(
        "recurrent",
        vectors,
        lambda a: replace(a, bound=4 * a.bound, exact=False),
        _recurrent,
    ),
    _op("total", floats, _total, lambda tf, a: tf.reduce_sum(a, 0)),
    _op(
        "of_all",
        floats,
        lambda a: replace(_total(a), shape=()),
        lambda tf, a: tf.reduce_max(a),
    ),
)
