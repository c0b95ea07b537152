# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Solves linear equations as TensorFlow does: by elimination with partial pivoting.

XLA factorises into an orthogonal and a triangular matrix instead. Where some rows of a
matrix are far larger than others, its results are off by as much as these are, while
those of elimination are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, Rule, same_types
from tfnative_aot.freeze.rewrites.triangular import substitute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef


def pivot_rows(left: Any, places: Any, number: Any) -> tuple[Any, Any]:
    """The rows that elimination divides by, and the matrices with these in their place.

    Args:
        left: What is left of the matrices, (..., n, columns).
        places: The numbers of their rows.
        number: The column to eliminate, a scalar. Rows from there on are looked at.

    Returns:
        The rows, (..., columns), and what is left, with rows swapped.
    """
    column = tf.abs(tf.gather(left, number, axis=-1))
    # As Eigen looks for it: NaN is passed over, unless it comes first.
    is_nan = tf.math.is_nan(column)
    is_other = tf.logical_or(places < number, is_nan)
    below = tf.where(is_other, tf.constant(-1, column.dtype), column)
    largest = tf.argmax(below, -1, output_type=tf.int32)
    chosen = tf.where(tf.gather(is_nan, number, axis=-1), number, largest)
    is_pivot = tf.equal(tf.expand_dims(chosen, -1), places)[..., None]
    row = tf.reduce_sum(tf.where(is_pivot, left, tf.zeros_like(left)), -2)
    replaced = tf.expand_dims(tf.gather(left, number, axis=-2), -2)
    swapped = tf.where(is_pivot, replaced, left)
    is_there = tf.equal(places, number)[:, None]
    return row, tf.where(is_there, row[..., None, :], swapped)


def _solve(matrices: Any, right: Any) -> Any:
    size = tf.shape(matrices)[-1]
    places = tf.range(size)

    def down(number: Any, left: Any) -> tuple[Any, Any]:
        row, left = pivot_rows(left, places, number)
        factors = (
            tf.gather(left, number, axis=-1)
            / tf.gather(row, number, axis=-1)[..., None]
        )
        eliminated = left - factors[..., None] * row[..., None, :]
        return number + 1, tf.where((places > number)[:, None], eliminated, left)

    whole = tf.concat([matrices, right], -1)
    _, whole = tf.while_loop(lambda number, _: number < size, down, (0, whole))
    upper, right = whole[..., :size], whole[..., size:]

    return substitute(upper, right, downwards=False)


def _inverse(matrices: Any) -> Any:
    size = tf.shape(matrices)[-1]
    places = tf.range(size)
    identity = tf.cast(tf.equal(places[:, None], places), matrices.dtype)
    return _solve(matrices, identity + tf.zeros_like(matrices))


def _of_adjoint(solve: Callable[..., Any], count: int) -> Rule:
    def rule(node: NodeDef) -> Replacement:
        def compute(matrices: Any, *right: Any) -> Any:
            if node.attr["adjoint"].b:
                matrices = tf.linalg.matrix_transpose(matrices, conjugate=True)
            return solve(matrices, *right)

        return same_types(node, count, compute)

    return rule


RULES: Mapping[str, Rule] = {
    "MatrixInverse": _of_adjoint(_inverse, 1),
    "MatrixSolve": _of_adjoint(_solve, 2),
}
