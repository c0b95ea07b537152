# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Matrices that have no inverse or no eigenvalues.

TensorFlow finds out while it factorises them. XLA factorises in another way, and gives
numbers for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import Finding, first, has_no_elements
from tfnative_aot.freeze.rewrites.elimination import pivot_rows


def _invertible(message: str) -> Callable[[Any, Facts], list[Finding]]:
    def rule(node: Any, facts: Facts) -> list[Finding]:
        matrix = node.inputs[0]
        if has_no_elements(matrix):
            return []
        bad = tf.logical_not(_has_pivots(matrix))
        return [Finding(message, first(bad), (), matrix, without_last=2)]

    return rule


def _has_pivots(matrices: Any) -> Any:
    """Whether Gaussian elimination with partial pivoting finds no zero, for each."""
    size = matrices.shape[-1]
    places = tf.range(size)

    def step(number: Any, left: Any, good: Any) -> tuple[Any, Any, Any]:
        row, swapped = pivot_rows(left, places, number)
        pivot = tf.gather(row, number, axis=-1)
        # The least of all pivots is NaN if the first one is.
        later_nan = (number > 0) & tf.math.is_nan(tf.abs(pivot))
        good &= (tf.abs(pivot) > 0) | later_nan
        factors = tf.gather(swapped, number, axis=-1) / pivot[..., None]
        eliminated = swapped - factors[..., None] * row[..., None, :]
        is_below = (places > number)[:, None] & good[..., None, None]
        return number + 1, tf.where(is_below, eliminated, swapped), good

    good = tf.ones_like(matrices[..., 0, 0], tf.bool)
    return tf.while_loop(
        lambda number, left, good: number < size, step, (0, matrices, good)
    )[2]


def eigenvalues(node: Any, facts: Facts) -> list[Finding]:
    """SelfAdjointEigV2: the lower triangle, which alone is read, is finite."""
    (matrix,) = node.inputs
    if has_no_elements(matrix) or matrix.dtype.is_complex:
        return []
    lower = tf.linalg.band_part(matrix, -1, 0)
    bad = tf.reduce_any(tf.logical_not(tf.math.is_finite(lower)), [-2, -1])
    message = (
        "Self-adjoint eigen decomposition was not successful. The input might not be "
        "valid."
    )
    return [Finding(message, first(bad), (), matrix, without_last=2)]


RULES = {
    "MatrixInverse": _invertible("Input is not invertible."),
    "MatrixSolve": _invertible("Input matrix is not invertible."),
    "SelfAdjointEigV2": eigenvalues,
}
"""By op."""
