# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a model checks, it checks after every step, until somebody says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.aot.optimize.plain_tensorflow import run_with_tensorflow
from tfnative._optimize.catalog import FOR_PREDICTION
from tfnative_aot.optimize import apply

v1 = tf.compat.v1
REMOVE = "remove_training_nodes strip_unused_nodes"


def _image(x: Any) -> Any:
    scale = v1.get_variable("scale", [4], initializer=v1.ones_initializer())
    zeros = tf.zeros([4])
    image = v1.nn.fused_batch_norm(
        tf.reshape(x, [-1, 1, 1, 4]) + 0.0,
        scale * 2.0,
        zeros,
        zeros,
        tf.ones([4]),
        is_training=False,
    )[0]
    return tf.reshape(image, [-1, 4])


def _small(x: Any) -> Any:
    return v1.Assert(tf.reduce_all(x < 1e3), ["too large"])


def before_an_identity(x: Any, w: Any) -> Any:
    with tf.control_dependencies([_small(x)]):
        return tf.identity(x) @ w


def before_a_read_of_a_variable(x: Any, w: Any) -> Any:
    with tf.control_dependencies([v1.assert_less(x, 1e3)]):
        return tf.identity(x @ v1.get_variable("v", [4, 4]))


def behind_a_batch_norm(x: Any, w: Any) -> Any:
    image = _image(x) @ w
    with tf.control_dependencies([_small(x)]):
        return tf.identity(image)


def before_a_batch_norm(x: Any, w: Any) -> Any:
    with tf.control_dependencies([_small(x)]):
        return _image(x) @ w


def at_the_output_of_a_batch_norm(x: Any, w: Any) -> Any:
    image = _image(x)
    with tf.control_dependencies([_small(image)]):
        return tf.identity(image) @ w


def in_a_branch(x: Any, w: Any) -> Any:
    def checked() -> Any:
        with tf.control_dependencies([_small(x)]):
            return tf.identity(x) @ w

    return v1.cond(tf.reduce_sum(x) > 0, checked, lambda: x @ w)


def of_numbers(x: Any, w: Any) -> Any:
    y = tf.identity(x @ w)
    with tf.control_dependencies([v1.check_numerics(tf.where(x < 1e3, x, np.nan), "")]):
        return tf.identity(y)


def before_dropout(x: Any, w: Any) -> Any:
    with tf.control_dependencies([_small(x)]):
        scaled = tf.identity(x) / 0.5
    with tf.control_dependencies([_small(x + 1.0)]):
        mask = tf.floor(v1.random_uniform(tf.shape(x)) + 0.5)
    return (scaled * mask) @ w


FORMS = [
    before_an_identity,
    before_a_read_of_a_variable,
    behind_a_batch_norm,
    before_a_batch_norm,
    at_the_output_of_a_batch_norm,
    in_a_branch,
    of_numbers,
]


def written(form: Callable[[Any, Any], Any], path: Path, *, v2: bool = False) -> Path:
    enable = v1.enable_control_flow_v2 if v2 else v1.disable_control_flow_v2
    enable()
    try:
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None, 4], "x")
            y = form(x, v1.get_variable("w", [4, 4], use_resource=True))
            session.run(v1.global_variables_initializer())
            v1.saved_model.simple_save(session, str(path), {"x": x}, {"y": y})
    finally:
        v1.enable_control_flow_v2()
    return path


def raises(path: Path, large: float) -> bool:
    x = np.full((2, 4), 1.0, np.float32)
    x[1] = large
    try:
        run_with_tensorflow(path, "serving_default", {"x": x})
    except tf.errors.InvalidArgumentError:
        return True
    return False


@pytest.mark.parametrize(
    ("form", "v2"),
    [(form, False) for form in FORMS]
    + [(before_a_read_of_a_variable, True), (in_a_branch, True)],
)
@pytest.mark.slow
def test_the_default_list_and_freezing_keep_what_is_checked(
    form: Callable[[Any, Any], Any], v2: bool, tmp_path: Path
):
    path = written(form, tmp_path / "net", v2=v2)
    assert raises(path, 1e4)
    for number, steps in enumerate((FOR_PREDICTION, "")):
        done = tfnative.optimize(path, tmp_path / str(number), transforms=steps)
        assert [step.reason for step in done.steps if not step.applied] == []
        assert raises(done.output, 1e4)
        assert not raises(done.output, 1.0)


def test_what_is_checked_before_dropout_is_checked_without_it(tmp_path: Path):
    path = written(before_dropout, tmp_path / "net")
    done = tfnative.optimize(path, tmp_path / "small", transforms=REMOVE)
    assert not [op for op in done.steps[-1].ops if "Random" in op]
    assert done.steps[-1].ops["Assert"] == 2
    assert raises(done.output, 1e4)
    assert not raises(done.output, 1.0)


def test_a_step_that_loses_a_check_is_left_out_and_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(apply, "tied_nodes", lambda graph_def: [])
    path = written(before_an_identity, tmp_path / "net")
    done = tfnative.optimize(
        path, tmp_path / "small", transforms="remove_nodes(op=Identity)"
    )
    assert not done.steps[1].applied
    assert "Assert/Assert (Assert) would be checked no more" in done.steps[1].reason
    assert raises(done.output, 1e4)


@pytest.mark.parametrize(
    ("form", "steps"),
    [
        (of_numbers, "remove_nodes(op=CheckNumerics)"),
        (before_an_identity, "remove_control_dependencies"),
        (before_an_identity, "remove_assertions"),
    ],
)
def test_who_asks_for_it_loses_a_check_and_is_told(
    form: Callable[[Any, Any], Any], steps: str, tmp_path: Path
):
    path = written(form, tmp_path / "net")
    done = tfnative.optimize(path, tmp_path / "small", transforms=steps)
    assert done.steps[1].applied
    assert "removes" in done.steps[1].reason
    assert not raises(done.output, 1e4)
