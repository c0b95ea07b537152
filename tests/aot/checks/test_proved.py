# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What can be proved is not checked, and what is one step beyond it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.aot.checks.run_checked import checked
from tests.models.saving import function_save
from tfnative_aot.checks.interval import Interval, everything, union
from tfnative_aot.load.load_model import load_model

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


def _clipped(x: Any, last: int) -> Any:
    import tensorflow as tf

    return tf.gather(TABLE, tf.clip_by_value(x, 0, last))


def _remainder(x: Any, last: int) -> Any:
    import tensorflow as tf

    return tf.gather(TABLE, tf.reshape(x % (last + 1), [-1]))


def _largest(x: Any, last: int) -> Any:
    import tensorflow as tf

    wide = tf.repeat(x, (last + 2) // 2, axis=1)
    return tf.gather(TABLE, tf.argmax(wide[:, : last + 1], axis=1))


def _counted(x: Any, last: int) -> Any:
    import tensorflow as tf

    return tf.gather(TABLE, tf.range(last + 1)) * tf.cast(x[0, 0], tf.float32)


def _truths(x: Any, last: int) -> Any:
    import tensorflow as tf

    return tf.gather(TABLE, tf.cast(x > 2, tf.int32) + (last - 1))


def _chosen(x: Any, last: int) -> Any:
    import tensorflow as tf

    return tf.gather(TABLE, tf.where(x > 2, last, tf.zeros_like(x)))


def _looped(x: Any, last: int) -> Any:
    import tensorflow as tf

    return tf.while_loop(
        lambda count, _: count < last + 1,
        lambda count, total: (count + 1, total + tf.gather(TABLE, count)),
        (0, tf.cast(x[:1, :1], tf.float32) + tf.zeros([3])),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([1, 3])),
    )[1]


def _divisor(x: Any, last: int) -> Any:
    import tensorflow as tf

    return x // (tf.abs(x % 100) + (4 - last))


FUNCTIONS: list[Callable[[Any, int], Any]] = [
    _clipped,
    _remainder,
    _largest,
    _counted,
    _truths,
    _chosen,
    _looped,
    _divisor,
]


@pytest.mark.parametrize(("last", "count"), [(3, 0), (4, len(FUNCTIONS))])
def test_what_the_bounds_prove_is_not_checked(last: int, count: int, tmp_path: Path):
    def outputs(x: Any) -> Any:
        return {each.__name__[1:]: each(x, last) for each in FUNCTIONS}

    export = function_save(outputs, x=((6, 2), "int32"))
    checks = checked(load_model(export(tmp_path / "model"))).checks
    assert len(checks) == count, [check.message for check in checks]


def test_bounds_that_wrap_around_are_those_of_the_type():
    import tensorflow as tf

    whole = everything(tf.int8)
    assert whole == Interval(-128, 127)
    assert Interval(100, 128).within(whole) == whole
    assert Interval(100, 127).within(whole) == Interval(100, 127)
    assert union([Interval(1, 2), Interval(-3, 0)]) == Interval(-3, 2)
