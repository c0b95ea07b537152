# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checks stand where TensorFlow checks: in loops and branches, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.aot.checks.run_checked import checked, runner, tensorflow_says
from tests.models import tf1
from tests.models.saving import function_save
from tfnative.errors import CompileError
from tfnative_aot.load.load_model import load_model

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)
Rows = list[list[int]]


def _loop(x: Any) -> Any:
    import tensorflow as tf

    def step(count: Any, total: Any) -> tuple[Any, Any]:
        rows = tf.gather(TABLE, x[:, 0] + count)
        return count + 1, total + rows + tf.cast(6 // (x[:, 1:] - count), tf.float32)

    total = tf.zeros([tf.shape(x)[0], 3])
    return tf.while_loop(lambda count, _: count < 3, step, (0, total))[1]


def _condition(x: Any) -> Any:
    import tensorflow as tf

    def go_on(count: Any, _: Any) -> Any:
        return tf.reduce_all(6 // (x[:, 1] - count) > 0) & (count < 3)

    total = tf.zeros([tf.shape(x)[0]])
    return tf.while_loop(go_on, lambda n, t: (n + 1, t + 1.0), (0, total))[1]


def _branches(x: Any) -> Any:
    import tensorflow as tf

    return tf.cond(
        tf.reduce_sum(x) > 0,
        lambda: tf.gather(TABLE, x[:, 0]),
        lambda: tf.gather(TABLE, -x[:, 1]) + tf.cast(1 // x[:, :1], tf.float32),
    )


def _cases(x: Any) -> Any:
    import tensorflow as tf

    return tf.switch_case(
        x[0, 1],
        [
            lambda: tf.gather(TABLE, x[:, 0]),
            lambda: tf.zeros([tf.shape(x)[0], 3]),
            lambda: tf.gather(TABLE, x[:, 0] + 1),
        ],
    )


def _nested(x: Any) -> Any:
    import tensorflow as tf

    def step(count: Any, total: Any) -> tuple[Any, Any]:
        def deeper() -> Any:
            inner = tf.while_loop(
                lambda n, _: n < 2,
                lambda n, t: (n + 1, t + tf.gather(TABLE, x[:, 0] + n + count)),
                (0, total),
            )
            return inner[1]

        return count + 1, tf.cond(x[0, 1] > count, deeper, lambda: total)

    total = tf.zeros([tf.shape(x)[0], 3])
    return tf.while_loop(lambda count, _: count < 3, step, (0, total))[1]


def _asserted_in_branch(x: Any) -> Any:
    import tensorflow as tf

    def inside() -> Any:
        tf.debugging.assert_less(x, 5, message="x is {too} large")
        return tf.cast(x, tf.float32) * 2.0

    return tf.cond(x[0, 1] > 0, inside, lambda: tf.cast(x, tf.float32))


def _assertions_in_turn(x: Any) -> Any:
    import tensorflow as tf

    tf.debugging.assert_non_negative(x)
    with tf.control_dependencies([tf.debugging.assert_less(x, 4)]):
        return tf.gather(TABLE, x)


REFUSED: list[tuple[Callable[[Any], Any], Rows, list[Rows]]] = [
    (_loop, [[0, 7], [1, 5]], [[[0, 7], [2, 7]], [[0, 7], [1, 2]]]),
    (_condition, [[0, 4], [0, 5]], [[[0, 4], [0, n]] for n in range(4)]),
    (_branches, [[1, 1], [3, 1]], [[[4, 0], [1, 1]], [[-9, -3], [0, -1]]]),
    (_branches, [[-9, -1], [-3, -3]], [[[-9, -4], [-1, -3]]]),
    (_cases, [[3, 0], [0, 0]], [[[4, 0], [0, 0]], [[1, 2], [3, 0]], [[4, 9], [1, 0]]]),
    (_cases, [[9, 1], [-9, 0]], []),
    (_nested, [[0, 1], [1, 0]], [[[0, 2], [2, 0]], [[0, 3], [1, 0]]]),
    (_asserted_in_branch, [[9, 0], [9, 9]], [[[9, 1], [1, 9]]]),
    (_assertions_in_turn, [[3, 0], [1, 2]], [[[3, -1], [1, 2]], [[3, 0], [7, 2]]]),
]


def _model(function: Callable[[Any], Any], folder: Path) -> Any:
    def outputs(x: Any) -> Any:
        return {"y": function(x)}

    export = function_save(outputs, x=((None, 2), "int32"))
    return load_model(export(folder / "model"))


@pytest.mark.slow
@pytest.mark.parametrize(("function", "good", "bad"), REFUSED)
def test_loops_and_branches_refuse_what_tensorflow_refuses(
    function, good, bad, tmp_path
):
    model = _model(function, tmp_path)
    run = runner(checked(model))
    outputs, message = run({"x": np.array(good, np.int32)})
    assert message == ""
    expected = model.run("serving_default", {"x": np.array(good, np.int32)})
    np.testing.assert_allclose(outputs["y"], expected["y"])
    for rows in bad:
        inputs = {"x": np.array(rows, np.int32)}
        said = tensorflow_says(model, inputs)
        assert said
        assert run(inputs)[1] == said


def test_only_what_runs_is_checked(tmp_path):
    def unused(x: Any) -> Any:
        import tensorflow as tf

        tf.gather(TABLE, x)
        return x * 2

    assert checked(_model(unused, tmp_path)).checks == ()


def test_an_element_is_said_to_be_in_its_row(tmp_path):
    def pairs(x: Any) -> Any:
        import tensorflow as tf

        return tf.gather(TABLE, tf.reshape(x, [-1]))

    (check,) = checked(_model(pairs, tmp_path)).checks
    assert check.shape == (-2,)
    assert check.node == "GatherV2"


def _each_row(x: Any) -> Any:
    import tensorflow as tf

    return tf.debugging.assert_less(x, 5)


def _sum_of_rows(x: Any) -> Any:
    import tensorflow as tf

    return tf.debugging.assert_less(tf.reduce_sum(x), 5)


def _number_of_rows(x: Any) -> Any:
    import tensorflow as tf

    return tf.debugging.assert_less(tf.shape(x)[0], 5)


def _same_number_of_rows(x: Any) -> Any:
    import tensorflow as tf

    return tf.debugging.assert_equal(tf.shape(x)[0], tf.shape(x * 2)[0])


@pytest.mark.parametrize(
    ("assertion", "joint"),
    [
        (_each_row, False),
        (_sum_of_rows, True),
        (_number_of_rows, True),
        (_same_number_of_rows, False),
    ],
)
def test_an_assertion_about_rows_together_is_known(assertion, joint, tmp_path):
    def asserted(x: Any) -> Any:
        import tensorflow as tf

        with tf.control_dependencies([assertion(x)]):
            return tf.identity(x)

    checks = checked(_model(asserted, tmp_path)).checks
    assert any(check.joint for check in checks) == joint


def test_checks_of_many_tables_are_one_computation(tmp_path):
    def lookups(x: Any) -> Any:
        import tensorflow as tf

        first, second = x[:, 0], x[:, 1]
        rows = [tf.gather(TABLE, first), tf.gather(TABLE[:2], second)]
        # What always fails after another one need not be looked at.
        return tf.add_n([*rows, tf.gather(TABLE + 1, first)])

    model = _model(lookups, tmp_path)
    graph = checked(model)
    assert {check.message[-7:] for check in graph.checks} == {" [0, 4)", " [0, 2)"}
    assert len(graph.checks) == 2
    assert sum(node.op == "Min" for node in graph.graph_def.node) == 1
    run = runner(graph)
    for rows in ([[3, 1], [0, 0]], [[3, 1], [4, 0]], [[0, 0], [3, 2]], [[-1, 0]]):
        inputs = {"x": np.array(rows, np.int32)}
        assert run(inputs)[1] == tensorflow_says(model, inputs)


def test_tensors_without_elements_are_not_checked(tmp_path):
    def nothing(x: Any) -> Any:
        import tensorflow as tf

        return tf.gather(TABLE, x[:, :0]), x[:, :0] // x[:, :1]

    def outputs(x: Any) -> Any:
        rows, quotients = nothing(x)
        return {"y": rows, "z": quotients}

    export = function_save(outputs, x=((None, 2), "int32"))
    assert checked(load_model(export(tmp_path / "model"))).checks == ()


def _old_loop(first: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A loop as TensorFlow 1 wrote it, which begins to count at some number."""

    def network(x: Any) -> Any:
        import tensorflow as tf

        begin = first(x)
        return tf.compat.v1.while_loop(
            lambda count, _: count < 3,
            lambda count, state: (count + 1, state + tf.gather(TABLE[:, 0], count)),
            [begin, x],
        )[1]

    return network


def test_in_loops_of_tensorflow_1_a_counter_is_proved(tmp_path):
    import tensorflow as tf

    path = tf1.save(_old_loop(lambda x: tf.constant(0)), resource=True)(tmp_path / "m")
    assert checked(load_model(path)).checks == ()


def test_in_loops_of_tensorflow_1_what_is_not_proved_is_refused(tmp_path):
    import tensorflow as tf

    network = _old_loop(lambda x: tf.cast(x[0, 0], tf.int32))
    path = tf1.save(network, resource=True)(tmp_path / "m")
    with pytest.raises(CompileError, match=r"\(GatherV2\).*--no-checks leaves"):
        checked(load_model(path))
