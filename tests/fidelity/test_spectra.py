# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Matrices of numbers of any size, and singular ones, give what TensorFlow gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.fidelity.compiled import both
from tests.turns import Once

SIZES = (1.0, 1e-6, 1e-8, 1e15, 1e25, 1e-25, 1e37)
SINGULAR = (
    np.zeros((3, 3)),
    np.diag([1, 1, 0]),
    [[2, 0, 0], [1, 0, 0], [3, 1, 4]],
    [[4, 2, 0], [2, 1, 0], [0, 0, 1]],
    np.eye(3),
)


def matrices() -> Any:
    random = np.random.default_rng(0).normal(size=(5, 3, 3))
    sized = [random * size for size in SIZES]
    return np.concatenate([*sized, np.array(SINGULAR)]).astype(np.float32)


def decomposed(x: Any) -> dict[str, Any]:
    symmetric = x + tf.linalg.matrix_transpose(x)
    s, u, v = tf.linalg.svd(x)
    e, w = tf.linalg.eigh(symmetric)
    right = tf.ones_like(x)[:, :, :2]
    factor = tf.linalg.cholesky(symmetric)
    return {
        "singular values": tf.linalg.svd(x, compute_uv=False),
        "eigenvalues": tf.linalg.eigvalsh(symmetric),
        "of singular values": tf.einsum("bij,bj,bkj->bik", u, s, v),
        "of eigenvalues": tf.einsum("bij,bj,bkj->bik", w, e, w),
        "rank": tf.linalg.matrix_rank(x),
        "lower": tf.linalg.triangular_solve(x, right),
        "upper": tf.linalg.triangular_solve(x, right, lower=False),
        "adjoint": tf.linalg.triangular_solve(x, right, adjoint=True),
        # Above the diagonal, TensorFlow leaves what was in memory.
        "factor": tf.linalg.band_part(factor, -1, 0),
    }


@pytest.mark.slow
def test_decompositions_are_those_of_tensorflow(once: Once) -> None:
    x = matrices()
    found, wanted = both(once, "spectra", decomposed, {"x": x})
    for name, expected in wanted.items():
        for got, one in zip(found[name], expected, strict=True):
            largest = np.max(np.abs(one[np.isfinite(one)]), initial=0)
            np.testing.assert_allclose(got, one, 1e-4, 1e-4 * largest, err_msg=name)


def test_quantiles_of_small_probabilities_are_exact(once: Once) -> None:
    p = [5e-38, 1e-30, 1e-8, 1e-7, 1e-3, 0.0199, 0.02, 0.3, 0.5, 0.979, 0.99, 0.999]
    p += [0, 1, 1.5, -1, np.nan]
    found, wanted = both(
        once,
        "quantiles",
        lambda p: {"ndtri": tf.math.ndtri(p), "erfcinv": tf.math.erfcinv(p)},
        {"p": np.float32(p)},
    )
    for name, expected in wanted.items():
        np.testing.assert_allclose(found[name], expected, 2e-5, 1e-6, err_msg=name)
