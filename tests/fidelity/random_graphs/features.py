# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops that work on each row by itself: products, reductions, moves within a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.fidelity.random_graphs.op import (
    Fits,
    Op,
    Result,
    Value,
    exact_vectors,
    kept,
    matrices,
    rounded,
    shaped,
    vectors,
    weights,
)


def _op(
    name: str, fits: Fits, result: Result, function: Callable[[Any, Any], Any]
) -> Op:
    def call(a: Any) -> Any:
        import tensorflow as tf

        return function(tf, a)

    return Op(name, (fits,), result, call)


def _last(a: Value, size: int, terms: int = 1) -> Value:
    return shaped(a, (*a.shape[:-1], size), terms)


def _without_last(a: Value, terms: int = 1) -> Value:
    return shaped(a, a.shape[:-1], terms)


def _averaged(a: Value) -> Value:
    return replace(_without_last(a), exact=False)


def _long(a: Value) -> bool:
    return vectors(a) and a.shape[-1] >= 3


def _short(a: Value) -> bool:
    return vectors(a) and a.size <= 16


def _product(_: Any, a: Any) -> Any:
    return a @ weights(a.shape[-1], 3) if len(a.shape) == 2 else _general(a)


def _general(a: Any) -> Any:
    import tensorflow as tf

    return tf.tensordot(a, weights(a.shape[-1], 3), 1)


def _merged(tf: Any, a: Any) -> Any:
    """A product of all rows' rows at once, as Dense layers on sequences do it."""
    flat = tf.reshape(a, [-1, a.shape[-1]]) @ weights(a.shape[-1], 2)
    return tf.reshape(flat, [-1, *a.shape[1:-1], 2])


def _counted(tf: Any, a: Any) -> Any:
    return tf.reshape(a, [tf.shape(a)[0], a.shape[1] * a.shape[2]])


def _loop(tf: Any, a: Any) -> Any:
    def body(i: Any, value: Any) -> Any:
        return i + 1, value * 0.5 + tf.roll(value, 1, -1)

    return tf.while_loop(lambda i, _: i < 3, body, [0, a])[1]


def _steps(tf: Any, a: Any) -> Any:
    """Over the time of each row, as recurrent layers go."""
    moved = tf.transpose(a, [1, 0, 2])
    sums = tf.scan(lambda s, step: 0.5 * s + step, moved, tf.zeros_like(moved[0]))
    return tf.transpose(sums, [1, 0, 2])


def _convolution(tf: Any, a: Any) -> Any:
    return tf.nn.conv1d(a, weights(2, a.shape[-1], 3), 1, "SAME")


OPS = (
    _op("matmul", vectors, lambda a: _last(a, 3, a.shape[-1]), _product),
    _op("merged", matrices, lambda a: _last(a, 2, a.shape[-1]), _merged),
    _op("conv1d", matrices, lambda a: _last(a, 3, 2 * a.shape[-1]), _convolution),
    _op(
        "sum",
        vectors,
        lambda a: _without_last(a, a.shape[-1]),
        lambda tf, a: tf.reduce_sum(a, -1),
    ),
    _op(
        "mean",
        vectors,
        _averaged,
        lambda tf, a: tf.reduce_mean(a, -1),
    ),
    _op("largest", vectors, _without_last, lambda tf, a: tf.reduce_max(a, -1)),
    _op("least", vectors, _without_last, lambda tf, a: tf.reduce_min(a, -1)),
    _op("softmax", vectors, rounded(1), lambda tf, a: tf.nn.softmax(a)),
    _op("norm", vectors, rounded(8), lambda tf, a: tf.math.l2_normalize(a, -1, 1e-3)),
    _op(
        "argmax",
        exact_vectors,
        lambda a: Value("int", a.shape[:-1], a.shape[-1]),
        lambda tf, a: tf.argmax(a, -1, tf.int32),
    ),
    _op(
        "argmin",
        exact_vectors,
        lambda a: Value("int", a.shape[:-1], a.shape[-1]),
        lambda tf, a: tf.argmin(a, -1, tf.int32),
    ),
    _op("sort", exact_vectors, kept, lambda tf, a: tf.sort(a, -1)),
    _op("top_k", _long, lambda a: _last(a, 2), lambda tf, a: tf.math.top_k(a, 2)[0]),
    _op(
        "cumsum",
        vectors,
        lambda a: _last(a, a.shape[-1], a.shape[-1]),
        lambda tf, a: tf.cumsum(a, -1),
    ),
    _op("reverse", vectors, kept, lambda tf, a: tf.reverse(a, [-1])),
    _op("roll", vectors, kept, lambda tf, a: tf.roll(a, 1, -1)),
    _op("first", vectors, _without_last, lambda tf, a: a[..., 0]),
    _op("part", _long, lambda a: _last(a, a.shape[-1] - 2), lambda tf, a: a[..., 1:-1]),
    _op(
        "pad",
        _short,
        lambda a: _last(a, a.shape[-1] + 2),
        lambda tf, a: tf.pad(a, [[0, 0]] * (len(a.shape) - 1) + [[1, 1]]),
    ),
    _op(
        "twice",
        _short,
        lambda a: _last(a, 2 * a.shape[-1]),
        lambda tf, a: tf.concat([a, -a], -1),
    ),
    _op(
        "tile",
        _short,
        lambda a: shaped(a, (*a.shape, 2)),
        lambda tf, a: tf.tile(a[..., None], [1] * len(a.shape) + [2]),
    ),
    _op(
        "transpose",
        matrices,
        lambda a: shaped(a, a.shape[::-1]),
        lambda tf, a: tf.transpose(a, [0, 2, 1]),
    ),
    _op("flatten", matrices, lambda a: shaped(a, (a.size,)), _counted),
    _op(
        "chosen",
        vectors,
        lambda a: _last(a, 2),
        lambda tf, a: tf.gather(a, [a.shape[-1] - 1, 0], axis=-1),
    ),
    _op("loop", vectors, lambda a: replace(a, bound=8 * a.bound), _loop),
    _op("scan", matrices, lambda a: replace(a, bound=4 * a.bound, exact=False), _steps),
)
