# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Frozen GraphDef files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.models.case import ModelCase, normal


def _graph() -> Any:
    import tensorflow as tf

    rng = np.random.default_rng(8)

    def constant(*shape: int) -> Any:
        return tf.constant(rng.standard_normal(shape), tf.float32)

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 6, 6, 2], name="x")
        y = tf.nn.conv2d(x, constant(3, 3, 2, 4), 1, "SAME") + constant(4)
        y = tf.nn.max_pool2d(tf.nn.relu(y), 2, 2, "VALID")
        y = tf.reshape(y, [-1, 36])
        tf.identity(y @ constant(36, 3), name="logits")
        tf.reduce_max(y, -1, name="largest")
    return graph.as_graph_def()


def _binary(path: Path) -> Path:
    path = path.with_suffix(".pb")
    path.write_bytes(_graph().SerializeToString())
    return path


def _text(path: Path) -> Path:
    path = path.with_suffix(".pbtxt")
    path.write_text(str(_graph()))
    return path


CASES = [
    ModelCase(
        name,
        exporter,
        makers={"image": normal(6, 6, 2)},
        tags=frozenset({"small", "graphdef"}),
        graph_inputs={"image": "x:0"},
        graph_outputs={"logits": "logits:0", "largest": "largest"},
    )
    for name, exporter in [("graphdef", _binary), ("graphdef_text", _text)]
]
