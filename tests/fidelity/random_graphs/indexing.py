# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops on integers: lookups, also with numbers that are not in the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fidelity.random_graphs.op import (
    Op,
    Result,
    Value,
    exact_vectors,
    integers,
    vectors,
    weights,
)

TABLE_ROWS = 6


def _op(name: str, result: Result, function: Callable[[Any, Any], Any]) -> Op:
    def call(a: Any) -> Any:
        import tensorflow as tf

        return function(tf, a)

    return Op(name, (integers,), result, call)


def _same(a: Value) -> Value:
    return Value("int", a.shape, TABLE_ROWS)


def _looked_up(a: Value) -> Value:
    return Value("float", (*a.shape, 2), 1)


def _as_float(a: Value) -> Value:
    return Value("float", a.shape, a.bound)


def _own(a: Any, ids: Any) -> Any:
    """The elements of each row that its own integers name."""
    import tensorflow as tf

    return tf.gather(a, ids % a.shape[-1], axis=-1, batch_dims=1)


def _rows(a: Any, ids: Any) -> Any:
    """Rows of the batch itself, by numbers that may be too large for it."""
    import tensorflow as tf

    return tf.gather(a, ids[:, 0])


def _vector(a: Value) -> bool:
    return vectors(a) and len(a.shape) == 1


def _ids(a: Value) -> bool:
    return integers(a) and len(a.shape) == 1


OPS = (
    _op("modulo", _same, lambda tf, a: a % TABLE_ROWS),
    _op("clipped", _same, lambda tf, a: tf.clip_by_value(a, 0, TABLE_ROWS - 1)),
    _op("embedding", _looked_up, lambda tf, a: tf.gather(weights(TABLE_ROWS, 2), a)),
    _op(
        "one_hot",
        lambda a: Value("float", (*a.shape, 4), 1),
        lambda tf, a: tf.one_hot(a, 4),
    ),
    _op("as_floats", _as_float, lambda tf, a: tf.cast(a, tf.float32)),
    _op("quotient", lambda a: Value("int", a.shape, 7), lambda tf, a: 7 // a),
    _op("remainder", lambda a: Value("int", a.shape, 7), lambda tf, a: 7 % (a - 6)),
    _op(
        "int_sum",
        lambda a: Value("int", a.shape[:-1], 4 * a.bound),
        lambda tf, a: tf.reduce_sum(a, -1),
    ),
    Op(
        "own",
        (_vector, _ids),
        lambda a, ids: Value("float", ids.shape, a.bound, a.exact),
        _own,
    ),
    Op("named_rows", (exact_vectors, _ids), lambda a, _: a, _rows),
)
