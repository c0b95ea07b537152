# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model with checks that are made by hand: other tests say which ops are checked."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import tfnative
from tests.turns import Once
from tfnative_aot import pipeline
from tfnative_aot.freeze.graph import Check, FrozenGraph

ROWS = 10
NODE = "embedding/GatherV2"
Ids = npt.NDArray[np.int32]


def export(folder: Path) -> Path:
    """A table of ten rows, of which a model adds three at once."""
    import tensorflow as tf

    module = tf.Module()
    module.table = tf.Variable(np.arange(ROWS * 4, dtype=np.float32).reshape(-1, 4))

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.int32, name="ids")])
    def serve(ids: Any) -> Any:
        with tf.name_scope("embedding"):
            rows = tf.gather(module.table, ids)
        return {"sum": tf.reduce_sum(rows, 1)}

    tf.saved_model.save(module, str(folder), signatures=serve)
    return folder


def add_checks(graph: FrozenGraph, size: int) -> FrozenGraph:
    """Checks that no id is 7000 or more, and that all are in a table of that size."""
    import tensorflow as tf

    with tf.Graph().as_default() as edited:
        tf.import_graph_def(graph.graph_def, name="")
        (ids,) = (edited.get_tensor_by_name(t.tensor) for t in graph.inputs)
        flat = tf.reshape(ids, [-1])
        words = [
            *_words(flat, flat >= 7000),
            *_words(flat, (flat < 0) | (flat >= size)),
        ]
        tf.stack(words, name="what_checks_found")
        graph_def = edited.as_graph_def()
    shape = (-1, 3)
    return dataclasses.replace(
        graph,
        graph_def=graph_def,
        check_tensor="what_checks_found:0",
        checks=(
            Check("large", "Less", "{i0} is {{large}}", 1, shape),
            Check(
                NODE,
                "GatherV2",
                f"indices[{{@}}] = {{i0}} is not in [0, {size})",
                1,
                shape,
            ),
        ),
    )


def _words(flat: Any, bad: Any) -> list[Any]:
    import tensorflow as tf

    first = tf.argmax(tf.cast(bad, tf.int32), output_type=tf.int64)
    position = tf.where(tf.reduce_any(bad), first, tf.constant(-1, tf.int64))
    return [position, tf.cast(tf.gather(flat, first), tf.int64)]


def compile_checked(
    folder: Path, patch: pytest.MonkeyPatch, size: int = ROWS, **options: Any
) -> Path:
    """Compiles a model with these checks."""
    patch.setattr(pipeline, "insert_checks", lambda graph: add_checks(graph, size))
    return tfnative.compile(
        export(folder / "model"),
        folder / "checked",
        batch_sizes=[2, 4],
        cpus=["native"],
        **options,
    )


def checked_artifact(once: Once) -> Path:
    """One that all tests of a run share; its SavedModel is ``model``, beside it."""

    def make(folder: Path) -> Path:
        with pytest.MonkeyPatch.context() as patch:
            return compile_checked(folder, patch, static=True)

    return once("artifacts/run-checks", make)


def ids(rows: int, *bad: tuple[int, int, int]) -> Ids:
    """Good ids, but for some at a row and column."""
    made = (np.arange(3 * rows, dtype=np.int32) % ROWS).reshape(rows, 3)
    for row, column, value in bad:
        made[row, column] = value
    return made
