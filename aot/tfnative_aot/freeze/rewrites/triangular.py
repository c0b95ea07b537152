# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Computes with triangular matrices that are singular as TensorFlow does.

XLA inverts blocks along the diagonal, so that a zero there spoils what does not depend
on it. A matrix that has no Cholesky factor has one of NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import Replacement, element_type, same_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.rule import Rule


def _factor(node: NodeDef) -> Replacement | None:
    if not element_type(node).is_floating:
        return None

    def factor(matrices: Any) -> Any:
        found = tf.linalg.cholesky(matrices)
        pivots = tf.linalg.diag_part(found)
        has_none = ~tf.reduce_all(pivots > 0, -1)
        nothing = tf.linalg.band_part(tf.fill(tf.shape(found), _nan(found)), -1, 0)
        return tf.where(has_none[..., None, None], nothing, found)

    return same_types(node, 1, factor)


def _nan(like: Any) -> Any:
    return tf.constant(np.nan, like.dtype)


def _solve(node: NodeDef) -> Replacement | None:
    if not element_type(node).is_floating:
        return None
    lower, adjoint = node.attr["lower"].b, node.attr["adjoint"].b

    def solve(matrices: Any, right: Any) -> Any:
        if adjoint:
            matrices = tf.linalg.matrix_transpose(matrices)
        shape = tf.broadcast_dynamic_shape(
            tf.shape(matrices)[:-2], tf.shape(right)[:-2]
        )
        right = tf.broadcast_to(right, tf.concat([shape, tf.shape(right)[-2:]], 0))
        return substitute(matrices, right, downwards=lower != adjoint)

    return same_types(node, 2, solve)


def substitute(matrices: Any, right: Any, *, downwards: bool) -> Any:
    """Solves for one row after the other.

    Args:
        matrices: Triangular ones, (..., n, n). What is not of the triangle is not read.
        right: The right-hand sides, (..., n, m).
        downwards: Whether the triangle is the lower one.
    """
    size = tf.shape(matrices)[-1]
    places = tf.range(size)

    def step(done: Any, found: Any) -> tuple[Any, Any]:
        number = done if downwards else size - 1 - done
        column = tf.gather(matrices, number, axis=-1)
        pivot = tf.gather(column, number, axis=-1)[..., None]
        row = tf.gather(found, number, axis=-2) / pivot
        rest = found - column[..., None] * row[..., None, :]
        is_left = places > number if downwards else places < number
        found = tf.where(is_left[:, None], rest, found)
        is_there = tf.equal(places, number)[:, None]
        return done + 1, tf.where(is_there, row[..., None, :], found)

    return tf.while_loop(lambda done, _: done < size, step, (0, right))[1]


RULES: Mapping[str, Rule] = {"Cholesky": _factor, "MatrixTriangularSolve": _solve}
