# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Folding never makes a file larger: no weight is there twice after it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.aot.optimize.plain_tensorflow import run_with_tensorflow
from tests.models.saving import module_save
from tfnative._optimize.catalog import FOR_PREDICTION
from tfnative_aot.load.saved_model import read
from tfnative_aot.optimize.folding import restore_grown
from tfnative_aot.optimize.tool import Tool

ROWS = np.random.default_rng(3).normal(size=(4, 48)).astype(np.float32)


def _three_signatures() -> tuple[Any, Mapping[str, Any]]:
    """Signatures with a table, with an assertion, and with neither, of one weight."""
    module = tf.Module()
    module.weights = tf.Variable(tf.random.stateless_normal([48, 48], (1, 2)))
    keys = tf.range(3, dtype=tf.int64)
    words = tf.lookup.KeyValueTensorInitializer(keys, tf.constant(["a", "b", "c"]))
    module.words = tf.lookup.StaticHashTable(words, "?")

    def signature(function: Any) -> Any:
        spec = tf.TensorSpec([None, 48], tf.float32, "x")
        return tf.function(function, input_signature=[spec], autograph=False)

    def table(x: Any) -> dict[str, Any]:
        y = tf.nn.relu(x @ module.weights)
        return {"y": y, "word": module.words.lookup(tf.argmax(y[:, :4], 1))}

    def assertion(x: Any) -> dict[str, Any]:
        checked = tf.debugging.assert_less(x, 100.0, message="too large")
        with tf.control_dependencies([checked]):
            weights = tf.identity(module.weights)
            y = x @ tf.identity(module.weights) + x @ weights
        return {"y": y, "transposed": tf.transpose(weights)[:1] + x[:1]}

    def neither(x: Any) -> dict[str, Any]:
        return {"y": x @ tf.identity(module.weights)}

    found = {f.__name__: signature(f) for f in (table, assertion, neither)}
    module.found = list(found.values())
    return module, found


def test_no_step_of_the_default_list_makes_the_file_larger(tmp_path: Path):
    path = module_save(_three_signatures)(tmp_path / "model")
    # What it folds first is what others find there; and the last one writes more.
    steps = f"fold_constants {FOR_PREDICTION} set_device(device=/cpu:0)"
    done = tfnative.optimize(path, tmp_path / "small", transforms=steps, strict=True)
    *sizes, last = [step.bytes for step in done.steps]
    assert sizes == sorted(sizes, reverse=True)
    assert last > sizes[-1]
    more = f"makes it {last - sizes[-1]:,} bytes larger"
    assert [step.reason for step in done.steps if "larger" in step.reason] == [more]
    (meta,) = read(done.output).meta_graphs
    assert sum(n.ByteSize() > 48 * 48 * 4 for n in meta.graph_def.node) == 1
    for name in ("table", "assertion", "neither"):
        was = run_with_tensorflow(path, name, {"x": ROWS})
        now = run_with_tensorflow(done.output, name, {"x": ROWS})
        for output, array in was.items():
            if array.dtype == object:
                np.testing.assert_array_equal(now[output], array)
            else:
                np.testing.assert_allclose(now[output], array, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        run_with_tensorflow(done.output, "assertion", {"x": ROWS + 200})


def test_copies_behind_control_edges_become_the_weight_again():
    # Alone, no copy is larger than the weight that it takes the place of.
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 40], name="x")
        weights = tf.constant(np.random.default_rng(2).random((40, 40)), tf.float32)
        total = x
        for index in range(3):
            message = tf.constant([f"{index} holds"])
            holds = tf.debugging.Assert(tf.reduce_all(x < 100), [message])
            with tf.control_dependencies([holds]):
                total += tf.matmul(x, tf.identity(weights))
        tf.identity(total, name="y")
    before = graph.as_graph_def()
    with Tool() as tool:
        after = tool.transform(before, ["x"], ["y"], "fold_constants")
    assert after.ByteSize() > 3 * 40 * 40 * 4
    mended = restore_grown(before, after)
    assert mended.ByteSize() < 2 * 40 * 40 * 4
