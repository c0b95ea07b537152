# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops that work on each element by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.fidelity.random_graphs.op import (
    Op,
    Result,
    Value,
    booleans,
    exact,
    floats,
    kept,
    rounded,
    same_shape,
)


def _one(name: str, result: Result, function: Callable[[Any, Any], Any]) -> Op:
    def call(a: Any) -> Any:
        import tensorflow as tf

        return function(tf, a)

    return Op(name, (floats,), result, call)


def _two(name: str, result: Result, function: Callable[[Any, Any, Any], Any]) -> Op:
    def call(a: Any, b: Any) -> Any:
        import tensorflow as tf

        return function(tf, a, b)

    return Op(name, (floats, floats), result, call, same_shape)


def _sum(a: Value, b: Value) -> Value:
    return replace(kept(a, b), bound=a.bound + b.bound)


def _product(a: Value, b: Value) -> Value:
    return replace(kept(a, b), bound=a.bound * b.bound)


def _compared(a: Value, b: Value) -> Value:
    return Value("bool", a.shape, 1)


def _compare(name: str, function: Callable[[Any, Any], Any]) -> Op:
    return Op(name, (exact, exact), _compared, function, same_shape)


def _sign(a: Any) -> Any:
    import tensorflow as tf

    return tf.sign(a)


def _where(mask: Any, a: Any) -> Any:
    import tensorflow as tf

    return tf.where(mask, a, -2.0 * a)


def _to_float(mask: Any) -> Any:
    import tensorflow as tf

    return tf.cast(mask, tf.float32)


OPS = (
    _one("neg", kept, lambda _, a: -a),
    _one("abs", kept, lambda _, a: abs(a)),
    _one("relu", kept, lambda tf, a: tf.nn.relu(a)),
    _one("relu6", kept, lambda tf, a: tf.nn.relu6(a)),
    _one("leaky_relu", kept, lambda tf, a: tf.nn.leaky_relu(a, 0.25)),
    _one("clip", kept, lambda tf, a: tf.clip_by_value(a, -1.5, 2.0)),
    _one("square", lambda a: _product(a, a), lambda tf, a: tf.square(a)),
    _one("tanh", rounded(1), lambda tf, a: tf.tanh(a)),
    _one("sigmoid", rounded(1), lambda tf, a: tf.sigmoid(a)),
    _one("exp", rounded(32), lambda tf, a: tf.exp(tf.minimum(a, 3.0))),
    _one("erf", rounded(1), lambda tf, a: tf.math.erf(a)),
    _one("sqrt", rounded(1024), lambda tf, a: tf.sqrt(abs(a) + 1.0)),
    _one("log1p", rounded(16), lambda tf, a: tf.math.log1p(abs(a))),
    _one("softplus", rounded(2**19), lambda tf, a: tf.nn.softplus(a)),
    _two("add", _sum, lambda _, a, b: a + b),
    _two("sub", _sum, lambda _, a, b: a - b),
    _two("mul", _product, lambda _, a, b: a * b),
    _two("maximum", kept, lambda tf, a, b: tf.maximum(a, b)),
    _two("minimum", kept, lambda tf, a, b: tf.minimum(a, b)),
    _two("div", lambda a, b: rounded(a.bound)(a), lambda _, a, b: a / (abs(b) + 1.0)),
    _compare("greater", lambda a, b: a > b),
    _compare("equal", lambda a, b: a == b),
    Op("floor", (exact,), kept, lambda a: a // 1.0),
    Op("sign", (exact,), lambda a: replace(a, bound=1), _sign),
    Op("is_nan", (floats,), lambda a: Value("bool", a.shape, 1), lambda a: a != a),
    Op(
        "where",
        (booleans, floats),
        lambda mask, a: replace(a, bound=2 * a.bound),
        _where,
        same_shape,
    ),
    Op("as_float", (booleans,), lambda a: Value("float", a.shape, 1), _to_float),
    Op("not", (booleans,), kept, lambda a: ~a),
)
