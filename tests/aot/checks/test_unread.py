# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What loops and branches compute and nobody reads is checked as TensorFlow runs it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.aot.checks.run_checked import checked, runner
from tests.models.saving import function_save
from tfnative_aot.load.load_model import load_model

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


def _carried(step: Callable[..., Any], taken: int, *more: Any) -> Callable[[Any], Any]:
    """A loop that counts, adds, and carries more, of which one result is taken."""

    def network(x: Any) -> Any:
        import tensorflow as tf

        zeros = tf.zeros([tf.shape(x)[0], 3])
        start = (0, zeros, *[make(x) for make in more])
        body = functools.partial(step, x)
        return tf.while_loop(lambda n, *_: n < 3, body, start)[taken]

    return network


def _rows_of(x: Any) -> Any:
    import tensorflow as tf

    return tf.gather(TABLE, x[:, 0])


def _reads(x: Any, n: Any, total: Any, rows: Any) -> tuple[Any, ...]:
    return n + 1, total + 1.0, rows + _rows_of(x + n)


def _reads_for_another(x: Any, n: Any, total: Any, a: Any, b: Any) -> tuple[Any, ...]:
    return n + 1, total + 1.0, _rows_of(x + n), a + b


def _reads_in_a_loop(x: Any, n: Any, total: Any, rows: Any) -> tuple[Any, ...]:
    import tensorflow as tf

    begin = (0, total, rows)
    inner = functools.partial(_reads, x)
    _, total, rows = tf.while_loop(lambda n, *_: n < 2, inner, begin)
    return n + 1, total, rows


def _reads_in_a_branch(x: Any, n: Any, total: Any, rows: Any) -> tuple[Any, ...]:
    import tensorflow as tf

    found = tf.cond(
        x[0, 1] >= n, lambda: (total, rows + _rows_of(x)), lambda: (total + 1.0, rows)
    )
    return n + 1, *found


def _reads_beside_an_assertion(
    x: Any, n: Any, total: Any, rows: Any
) -> tuple[Any, ...]:
    import tensorflow as tf

    with tf.control_dependencies([tf.debugging.assert_less(x[:, 1], 100)]):
        total = total + 1.0
    return n + 1, total, rows + _rows_of(x)


def _one_of_a_branch(x: Any) -> Any:
    import tensorflow as tf

    zeros = tf.zeros([tf.shape(x)[0], 3])
    return tf.cond(
        x[0, 1] > 0, lambda: (zeros, _rows_of(x)), lambda: (zeros + 1, zeros)
    )[0]


def _one_of_cases(x: Any) -> Any:
    import tensorflow as tf

    zeros = tf.zeros([tf.shape(x)[0], 3])
    cases = [lambda: (zeros, zeros), lambda: (zeros + 1, _rows_of(x))]
    return tf.switch_case(x[0, 1], cases)[0]


def _zero_rows(x: Any) -> Any:
    import tensorflow as tf

    return tf.zeros([tf.shape(x)[0], 3])


# Networks, and whether TensorFlow refuses a row number of 9.
UNREAD: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "carried": (_carried(_reads, 1, _zero_rows), False),
    "read": (_carried(_reads, 2, _zero_rows), True),
    "before": (_carried(lambda _, n, *s: (n + 1, *s), 1, _rows_of), False),
    "before, read": (_carried(lambda _, n, *s: (n + 1, *s), 2, _rows_of), True),
    "for another": (_carried(_reads_for_another, 1, _zero_rows, _zero_rows), False),
    "for another, read": (
        _carried(_reads_for_another, 3, _zero_rows, _zero_rows),
        True,
    ),
    "in a loop": (_carried(_reads_in_a_loop, 1, _zero_rows), False),
    "in a loop, read": (_carried(_reads_in_a_loop, 2, _zero_rows), True),
    "in a branch": (_carried(_reads_in_a_branch, 1, _zero_rows), False),
    "in a branch, read": (_carried(_reads_in_a_branch, 2, _zero_rows), True),
    "of a branch": (_one_of_a_branch, False),
    "of cases": (_one_of_cases, False),
    "by assertion": (_carried(_reads_beside_an_assertion, 1, _zero_rows), True),
}


@pytest.mark.slow
@pytest.mark.parametrize(("network", "refused"), UNREAD.values(), ids=UNREAD)
def test_what_no_result_needs_is_checked_where_tensorflow_runs_it(
    network, refused, tmp_path
):
    import tensorflow as tf

    export = function_save(lambda x: {"y": network(x)}, x=((None, 2), "int32"))
    path = export(tmp_path / "model")
    bad = np.array([[9, 1]], np.int32)
    # As everybody runs it: the compiler's reference does not optimize, and runs all.
    loaded = tf.saved_model.load(str(path)).signatures["serving_default"]
    if refused:
        with pytest.raises(tf.errors.InvalidArgumentError, match="is not in"):
            loaded(x=tf.constant(bad))
    else:
        loaded(x=tf.constant(bad))
    graph = checked(load_model(path))
    found = runner(graph)({"x": bad})[1] if graph.checks else ""
    assert bool(found) == refused
