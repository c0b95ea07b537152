# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The reference rounds rows as the kernel does, whose definition NumPy has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

import tfnative
from tests.aot.link.int8_reference import product, same_bits
from tfnative.errors import CompileError

numbers = st.floats(width=32, allow_subnormal=False)
rows = arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=numbers
)


def rounded(x: np.ndarray, axes: list[int]) -> Any:
    from tfnative_aot.quantize.run_time_ranges import round_rows

    return round_rows(x, axes).numpy()


def by_definition(x: np.ndarray) -> np.ndarray:
    """Times one, each number comes out as what it stands for."""
    k = x.shape[1]
    one = np.eye(k, dtype=np.int8)
    return product(x, one, np.ones(k, np.float32))


@settings(max_examples=300, deadline=None)
@given(rows)
def test_rows_become_what_the_kernel_makes_of_them(x):
    got, expected = rounded(x, [-1]), by_definition(x)
    usual = np.isfinite(x).all(axis=1)
    assert same_bits(got[usual] + 0, expected[usual] + 0)  # -0 is 0.
    # A product with any of these numbers is NaN, as with the kernel's.
    assert np.isnan(got[~usual]).any(axis=1).all()


def test_all_dimensions_that_are_summed_make_a_row():
    x = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)
    got = rounded(x, [1, 2])
    expected = by_definition(x.reshape(3, 20)).reshape(3, 4, 5)
    np.testing.assert_array_equal(got, expected)
    turned = rounded(x.transpose(1, 0, 2), [0, 2])
    np.testing.assert_array_equal(turned, got.transpose(1, 0, 2))


@pytest.mark.parametrize("scale", [1e-34, 1e-10, 1.0, 1e10, 3e38])
def test_no_number_is_further_away_than_a_step(scale):
    x = np.random.default_rng(1).uniform(-1, 1, (50, 30)).astype(np.float64) * scale
    x = x.astype(np.float32)
    low, high = np.minimum(x.min(1), 0), np.maximum(x.max(1), 0)
    step = (high.astype(np.float64) - low) / 255
    error = np.abs(rounded(x, [-1]).astype(np.float64) - x)
    # The zero point is rounded, too, so that the ends of a range may lie outside.
    assert (error <= step[:, None] * 1.001).all()


def export(folder: Path, function: Any, shape: list[int]) -> Path:
    """A model of one function of an input and weights of 40 by 48."""
    import tensorflow as tf

    made = tf.Module()
    weights = np.random.default_rng(0).standard_normal((40, 48)).astype(np.float32)
    made.weights = tf.Variable(weights)

    @tf.function(input_signature=[tf.TensorSpec([None, *shape], tf.float32, name="x")])
    def serve(x: Any) -> Any:
        return {"y": function(x, made.weights)}

    tf.saved_model.save(made, str(folder), signatures=serve)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("columns", [1, 7])
def test_a_row_gets_the_same_alone_as_among_others(tmp_path, columns):
    """For one row XLA makes one product of it, for several one for each row."""
    import tensorflow as tf

    def left(x: Any, weights: Any) -> Any:
        return tf.matmul(weights[None], x)

    artifact = tfnative.compile(
        *(export(tmp_path / "model", left, [48, columns]), tmp_path / "net"),
        precision="int8-dynamic",
        batch_sizes=(1, 4),
        cpus=["native"],
    )
    x = np.random.default_rng(1).standard_normal((8, 48, columns)).astype(np.float32)
    with tfnative.load(artifact) as model:
        together = model.predict(x)
        for rows in (1, 2, 4):
            parts = [model.predict(x[at : at + rows]) for at in range(0, 8, rows)]
            np.testing.assert_array_equal(np.concatenate(parts), together)


@pytest.mark.slow
def test_a_product_that_the_reference_leaves_alone_is_noticed(tmp_path, monkeypatch):
    import tensorflow as tf

    from tfnative_aot.quantize import run_time_ranges

    source = export(tmp_path / "model", tf.matmul, [40])
    monkeypatch.setattr(run_time_ranges, "_round", lambda *_: None)
    with pytest.raises(CompileError, match="differs from TensorFlow"):
        tfnative.compile(
            *(source, tmp_path / "net"), precision="int8-dynamic", cpus=["native"]
        )
