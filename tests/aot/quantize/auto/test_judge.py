# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How far answers are from others, and which are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

from tfnative.errors import InvalidArgumentError
from tfnative_aot.freeze.graph import FrozenGraph, GraphTensor
from tfnative_aot.quantize.auto.judge import Judge, Loss, decibels, noise_share
from tfnative_aot.quantize.auto.search import Budget
from tfnative_aot.quantize.calibrate.data import read_calibration

X = np.random.default_rng(8).standard_normal((40, 5)).astype(np.float32)
WORST = 1e30


@pytest.mark.parametrize(
    ("wanted", "got", "share"),
    [
        ([3.0, 4.0], [3.0, 4.0], 0.0),
        ([3.0, 4.0], [3.0, 3.0], 1 / 25),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([0.0, 0.0], [0.0, 1e-9], WORST),
        ([np.nan, np.inf, 2.0], [np.nan, np.inf, 2.0], 0.0),
        ([np.nan, 2.0], [np.nan, 1.0], 1 / 4),
        ([1.0, 2.0], [np.nan, 2.0], WORST),
        ([np.inf, 2.0], [-np.inf, 2.0], WORST),
        ([1e200, 0.0], [0.0, 0.0], WORST),
    ],
    ids=str,
)
def test_the_share_of_noise(wanted, got, share):
    with np.errstate(over="ignore"):
        found = noise_share([np.array(wanted)], [np.array(got)])
    assert found == pytest.approx(share)


def test_decibels_are_finite_for_whatever_noise_there_is():
    assert decibels(0.0) is None
    assert decibels(0.01) == pytest.approx(20)
    assert decibels(WORST) == pytest.approx(-300)
    assert decibels(5e-324) == pytest.approx(300)


def graph(dtype: Any = tf.float32, rows: int | None = None) -> FrozenGraph:
    """Scores that are the inputs themselves."""
    with tf.Graph().as_default() as made:
        shape = (rows, 5) if rows is None else (5,)
        x = tf.compat.v1.placeholder(tf.float32, shape, "x")
        tf.cast(x, dtype, name="scores") if dtype != tf.float32 else tf.identity(
            x, "scores"
        )
    size = (-1, 5) if rows is None else (5,)
    return FrozenGraph(
        "serve",
        made.as_graph_def(),
        (GraphTensor("x", "x:0", "float32", size),),
        (GraphTensor("scores", "scores:0", dtype.name, size),),
        has_batch=rows is None,
    )


@pytest.mark.parametrize("rows", [None, 1])
def test_a_right_label_is_where_the_largest_score_is(rows):
    labels = X.argmax(axis=1)
    labels[:7] = (labels[:7] + 1) % 5
    of = graph(rows=rows)
    data = read_calibration({"x": X}, of.inputs)
    judge = Judge(of, data, labels)
    assert judge.exact == Loss(0.0, 33)
    assert judge.judge(of.graph_def) == judge.exact


def test_scores_that_are_no_numbers_are_wrong():
    with tf.Graph().as_default() as made:
        x = tf.compat.v1.placeholder(tf.float32, (None, 5), "x")
        tf.add(x, np.float32([np.nan, 0, 0, 0, 0]), name="scores")
    of = graph()
    judge = Judge(of, read_calibration({"x": X}, of.inputs), np.zeros(40, np.int64))
    assert judge.judge(made.as_graph_def()) == Loss(WORST, 0)


def test_whole_numbers_are_no_scores_and_have_no_errors():
    of = graph(tf.int32)
    data = read_calibration({"x": X}, of.inputs)
    with pytest.raises(InvalidArgumentError, match="has no output of floats"):
        Judge(of, data)
    with pytest.raises(InvalidArgumentError, match="has 0 outputs of floats"):
        Judge(of, data, np.zeros(40, np.int64))


@pytest.mark.parametrize(
    ("right", "points", "holds"),
    [(33, 0.0, True), (32, 0.0, False), (32, 2.5, True), (31, 2.5, False), (40, 0, 1)],
)
def test_a_drop_is_counted_in_points_of_all_samples(right, points, holds):
    of = graph()
    labels = X.argmax(axis=1)
    labels[:7] = (labels[:7] + 1) % 5
    judge = Judge(of, read_calibration({"x": X}, of.inputs), labels)
    budget = Budget("accuracy", points)
    assert budget.holds(Loss(1.0, right), judge) == bool(holds)
