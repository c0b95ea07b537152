# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Functions of rows, and the verdict on functions."""

from __future__ import annotations

import atexit
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf  # noqa: TID253 - only imported where there is one

from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.load_model import load_model
from tfnative_aot.rows.verdict import Verdict, judge
from tfnative_aot.split.divide import prepare
from tfnative_aot.xla.processes import ForkServer
from tfnative_aot.xla.tfcompile import start_server

Function = Callable[[Any], Any]


def count(x: Any) -> Any:
    """How many rows there are."""
    return tf.shape(x)[0]


def real(x: Any) -> Any:
    """As float32."""
    return tf.cast(x, tf.float32)


@functools.cache
def _server() -> ForkServer:
    """Used by loops of TensorFlow 1 only; one will do for all."""
    server = start_server()
    atexit.register(server.close)
    return server


def verdict_on(function: Function, width: int = 3) -> Verdict:
    """What is known of a function of rows of ``width`` float32."""
    module = tf.Module()
    spec = tf.TensorSpec([None, width], tf.float32, name="x")
    module.f = tf.function(lambda x: {"y": function(x)}, input_signature=[spec])
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=module.f)
        model = load_model(Path(folder))
        return verdict_on_graph(prepare(model, "serving_default", None).graph)


def verdict_on_graph(graph: FrozenGraph) -> Verdict:
    """What is known of a frozen graph."""
    with tempfile.TemporaryDirectory() as folder:
        return judge(graph, _server(), Path(folder) / "work")


MATRIX = np.random.default_rng(1).standard_normal((3, 3)).astype(np.float32)

DEPENDENT: dict[str, Function] = {
    "the sum of the rows before": lambda x: tf.cumsum(x, 0) @ MATRIX,
    "the sum of the rows after": lambda x: tf.cumsum(x, 0, reverse=True),
    "what comes after 5000 rows": lambda x: tf.concat([x[:5000], 2 * x[5000:]], 0),
    "the last of 5000 rows": lambda x: x + tf.reduce_sum(x[:-5000], 0),
    "the number of steps of 5000": lambda x: (
        x + real(tf.size(tf.range(0, count(x), 5000)))
    ),
    "what comes after a billion rows": lambda x: tf.concat([x[: 10**9], x[10**9 :]], 0),
    "relative to the first row": lambda x: x - x[:1],
    "relative to row 0 by gather_nd": lambda x: x - tf.gather_nd(x, [[0]]),
    "the difference to the previous row": (lambda x: x - tf.concat([x[:1], x[:-1]], 0)),
    "rolled rows": lambda x: tf.roll(x, 1, 0),
    "reversed rows": lambda x: x + x[::-1],
    "rows in another order": (
        lambda x: tf.gather(x, tf.minimum(tf.range(count(x)) + 1, count(x) - 1))
    ),
    "the number of rows in every row": lambda x: tf.fill([count(x)], real(count(x))),
    "divided by the number of rows": lambda x: x / real(count(x)),
    "divided by the size": lambda x: x / tf.sqrt(real(tf.size(x))),
    "divided by a sum of ones": lambda x: x / tf.reduce_sum(tf.ones_like(x[:, 0])),
    "the number of the row": lambda x: x + real(tf.range(count(x)))[:, None],
    "whether the number of the row is odd": (
        lambda x: x * real(tf.range(count(x)) % 2)[:, None]
    ),
    "something added to row 0": lambda x: x + tf.one_hot(0, count(x))[:, None],
    "row 0 replaced": lambda x: tf.tensor_scatter_nd_update(
        x, [[0]], [[1.0, 2.0, 3.0]]
    ),
    "causal convolution over the rows": (
        lambda x: tf.nn.conv1d(
            tf.pad(x[None], [[0, 0], [2, 0], [0, 0]]), tf.ones([3, 3, 2]), 1, "VALID"
        )[0]
    ),
    "a scan over the rows": lambda x: tf.scan(lambda a, b: a + b, x),
    "attention between rows": lambda x: tf.nn.softmax(x @ tf.transpose(x)) @ x,
    "a causal mask over rows": (
        lambda x: tf.linalg.band_part(tf.ones([count(x), count(x)]), -1, 0) @ x
    ),
    "softmax over the rows": lambda x: tf.nn.softmax(x, 0),
    "sorted rows": lambda x: tf.sort(x, 0),
    "the index of the largest row": lambda x: x + real(tf.argmax(x, 0)),
    "normalised by moments of the batch": (
        lambda x: tf.nn.batch_normalization(x, *tf.nn.moments(x, [0]), None, None, 1e-3)
    ),
    "sums of segments of rows": (
        lambda x: tf.gather(
            tf.math.unsorted_segment_sum(x, tf.cast(x[:, 0], tf.int32), 3),
            tf.clip_by_value(tf.cast(x[:, 0], tf.int32), 0, 2),
        )
    ),
    "all elements backwards": (
        lambda x: tf.reshape(tf.reverse(tf.reshape(x, [-1]), [0]), [-1, 3])
    ),
    "all elements transposed": lambda x: tf.reshape(tf.transpose(x), [-1, 3]),
    "rows beside rows": lambda x: tf.reshape(tf.tile(x, [2, 1]), [-1, 6]),
    # In rare data, or at rare sizes, only.
    "scaled by a large maximum": (
        lambda x: tf.where(tf.reduce_max(x) > 1e3, x / tf.reduce_max(x), x)
    ),
    "zeros if any row has a NaN": (
        lambda x: tf.cond(
            tf.reduce_any(tf.math.is_nan(x)), lambda: tf.zeros_like(x), lambda: x * 2
        )
    ),
    "clipped by the norm of the batch": lambda x: tf.clip_by_norm(x, 100.0),
    "a loop until all rows are large": (
        lambda x: tf.while_loop(
            lambda y: tf.reduce_any(y < 10.0), lambda y: (y + 1.0,), [x]
        )[0]
    ),
    "a loop as often as there are rows": (
        lambda x: tf.while_loop(
            lambda i, y: i < count(x), lambda i, y: (i + 1, y * 1.1), [0, x]
        )[1]
    ),
    "negated from 4 rows on": (lambda x: tf.cond(count(x) > 3, lambda: -x, lambda: x)),
    "negated from 5,000 rows on": (
        lambda x: tf.cond(count(x) > 4999, lambda: -x, lambda: x)
    ),
    "negated for 5 rows": (
        lambda x: tf.cond(tf.equal(count(x), 5), lambda: -x, lambda: x)
    ),
    "negated from 5,000 rows on, by a sum of ones": (
        lambda x: tf.cond(
            tf.reduce_sum(tf.ones_like(x[:, 0])) > 4999.0, lambda: -x, lambda: x
        )
    ),
    "negated from 5,000 rows on, by the length of a list": (
        lambda x: tf.cond(
            tf.raw_ops.TensorListLength(
                input_handle=tf.raw_ops.TensorListFromTensor(
                    tensor=x, element_shape=tf.constant([3])
                )
            )
            > 4999,
            lambda: -x,
            lambda: x,
        )
    ),
    "negated from 5,000 rows on, by the size": (
        lambda x: tf.cond(tf.size(x) // 3 > 4999, lambda: -x, lambda: x)
    ),
    "zeros for an even number of rows": lambda x: x * real(count(x) % 2),
    "the number of rows, at most 8": lambda x: x * real(tf.minimum(count(x), 8)),
    "whether there are rows": lambda x: x * real(tf.minimum(count(x), 1)),
    "numbers put into other rows": lambda x: tf.tensor_scatter_nd_add(
        tf.zeros([count(x), 3]),
        tf.stack(
            [
                tf.tile(tf.range(count(x)), [2]),
                tf.cast(tf.reshape(x[:, :2], [-1]) > 0, tf.int32),
            ],
            1,
        ),
        tf.reshape(x[:, :2], [-1]),
    ),
    "numbers counted in other rows": lambda x: tf.tensor_scatter_nd_add(
        tf.zeros([count(x), 3]),
        tf.stack(
            [
                tf.repeat(tf.range(count(x)), 2),
                tf.tile(tf.cast(x[:, 0] > 0, tf.int32), [2]),
            ],
            1,
        ),
        tf.ones([2 * count(x)]),
    ),
    "mapped, relative to the mean": lambda x: tf.vectorized_map(
        lambda row: row - tf.reduce_mean(x), x
    ),
    "mapped with the first row of each": lambda x: tf.vectorized_map(
        lambda row: row * x[0], x
    ),
    "row 2 and later by their number, else row 0": lambda x: tf.gather(
        x, tf.where(count(x) > 2, tf.range(count(x)), 0)
    ),
    "rows of another number of numbers": lambda x: tf.gather(
        tf.concat([x, x], 0),
        tf.where(count(x) > 1, tf.range(count(tf.concat([x, x], 0))), 0),
    ),
    "row 8 and later negated": lambda x: tf.concat([x[:8], -x[8:]], 0),
    "row 2 and later negated": lambda x: tf.concat([x[:2], -x[2:]], 0),
}
"""Whose rows must not be proved independent."""

INDEPENDENT: dict[str, Function] = {
    "twice": lambda x: x * 2,
    "softmax": tf.nn.softmax,
    "sorted": tf.sort,
    "backwards": lambda x: x[:, ::-1],
    "the largest": lambda x: tf.argmax(x, 1),
    "one-hot": lambda x: tf.one_hot(tf.cast(x, tf.int32), 5),
    "the sum of the features before": lambda x: tf.cumsum(x, 1),
    "flat and back": (lambda x: tf.reshape(tf.reshape(x, [-1]) * 2.0, [count(x), 3])),
    "features twice": (
        lambda x: tf.reshape(tf.tile(x[:, None], [1, 2, 1]), [count(x), -1])
    ),
    "rows twice, in two halves": (
        lambda x: tf.concat(tf.split(tf.concat([x, -x], 0), 2), 1)
    ),
    "features by their order": lambda x: tf.gather(x, tf.argsort(x), batch_dims=1),
    "features by index": lambda x: tf.gather_nd(x, tf.argsort(x)[:, :1], batch_dims=1),
    "rows by their own numbers": lambda x: tf.gather(x, tf.range(count(x))),
    "a feature replaced in each row": (
        lambda x: tf.tensor_scatter_nd_update(
            x,
            tf.stack([tf.range(count(x)), tf.zeros([count(x)], tf.int32)], 1),
            x[:, 1],
        )
    ),
    "a scan over the features": (
        lambda x: tf.transpose(tf.scan(lambda a, b: a + b, tf.transpose(x)))
    ),
    "zeros of as many rows": lambda x: tf.zeros([count(x), 4]) + x[:, :1],
    "a constant for every row": lambda x: tf.fill([count(x)], 3.0) + x[:, 0],
    "only a constant": lambda x: tf.broadcast_to(
        tf.constant([1.0, 2.0]), [count(x), 2]
    ),
    "a column of zeros": lambda x: tf.concat([x, tf.zeros([count(x), 1])], 1),
    "scaled by the number of features": lambda x: x / tf.sqrt(real(tf.shape(x)[-1])),
    "products within rows": lambda x: tf.einsum("bi,bj->bij", x, x),
    "matrices of rows": (
        lambda x: tf.matmul(x[:, None], tf.transpose(x[:, None], [0, 2, 1]))
    ),
    "triangles": (lambda x: tf.linalg.band_part(x[:, :, None] * x[:, None, :], 0, -1)),
    "mirrored": lambda x: tf.pad(x, [[0, 0], [1, 1]], mode="REFLECT"),
    "only positive ones": lambda x: tf.where(x > 0, x, tf.zeros_like(x)),
    "how often numbers occur": lambda x: tf.math.bincount(
        tf.cast(tf.abs(x), tf.int32), minlength=5, maxlength=5, axis=-1
    ),
    "which numbers occur": lambda x: tf.keras.layers.CategoryEncoding(8)(
        tf.cast(tf.abs(x), tf.int32)
    ),
    "mapped at once": lambda x: tf.vectorized_map(
        lambda row: row * 2 + tf.reduce_sum(row), x
    ),
    "mapped with what was computed": lambda x: tf.vectorized_map(
        lambda rows: rows[0] * tf.reduce_max(rows[1]) + tf.cumsum(rows[1]),
        (tf.nn.relu(x), x),
    ),
    "products mapped at once": lambda x: tf.vectorized_map(
        lambda row: tf.linalg.matvec(row[:, None] * row[None, :], row), x @ tf.eye(3)
    ),
    "a branch on a constant": (
        lambda x: tf.cond(tf.constant(3) > 2, lambda: x, lambda: -x)
    ),
}
"""Whose rows must be proved independent."""
