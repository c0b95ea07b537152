# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that read a later output of a node are in 8 bits, as others are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.aot.quantize.static.graphs import frozen, weights
from tfnative_aot.quantize.static.named_outputs import is_later, with_named_outputs

CHANNELS = 24


def layer(x: Any, seed: int) -> Any:
    import tensorflow as tf

    kernel = np.roll(weights(CHANNELS, 9), seed, 0) / np.sqrt(CHANNELS)
    return tf.nn.relu(tf.matmul(x, kernel.astype(np.float32)))


def halves(x: Any) -> Any:
    """Of a loop; both depend on the number of rounds."""
    import tensorflow as tf

    def turn(i: Any, a: Any, b: Any) -> Any:
        return i + 1, 0.5 * a + tf.sin(b), b * 0.75

    first, second = x[:, 0], x[:, 1]
    return tf.while_loop(lambda i, a, b: i < 3, turn, [tf.constant(0), first, second])


def behind_each(x: Any) -> dict[str, Any]:
    """By what gives several outputs, of (None, 4, CHANNELS)."""
    import tensorflow as tf

    _, mean, deviation = halves(x)
    flat = tf.reshape(x, [-1, 4 * CHANNELS])
    wide, narrow, rest = tf.split(flat, [CHANNELS, CHANNELS, 2 * CHANNELS], 1)
    groups = tf.split(x, 4, 1)
    views = [tf.reshape(each, [-1, CHANNELS]) for each in groups]
    return {
        "split": sum(layer(each, n) for n, each in enumerate(views)),
        "split by sizes": layer(narrow, 5) + layer(wide, 6) + rest[:, :9],
        "unstacked": layer(tf.unstack(x, axis=1)[3], 7),
        "activated": layer(tf.nn.relu(tf.unstack(x, axis=1)[2]), 8),
        "loop": layer(mean, 9) + layer(deviation, 10),
    }


def test_every_layer_is_in_8_bits(tmp_path: Path):
    tf = pytest.importorskip("tensorflow")
    module = tf.Module()
    spec = tf.TensorSpec((None, 4, CHANNELS), tf.float32, "x")
    module.call = tf.function(
        lambda x: {
            name.replace(" ", "_"): tf.identity(each)
            for name, each in behind_each(x).items()
        },
        input_signature=[spec],
        autograph=False,
    )
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.call)
    x = np.random.default_rng(1).standard_normal((200, 4, CHANNELS), np.float32)
    artifact = tfnative.compile(
        tmp_path / "saved",
        tmp_path / "net",
        cpus=["native"],
        precision="int8",
        calibration={"x": x},
    )
    with tfnative.load(artifact) as model:
        found = model.predict({"x": x})
        precision = model.manifest.signatures["serving_default"].precision
    assert precision is not None
    layers = {each.node: each for each in precision.layers}
    assert len(layers) == 10
    assert {each.computed for each in layers.values()} == {"int8"}
    # Of the four parts of the input, of one that is activated, and of what loops give.
    assert len({each.input_range for each in layers.values()}) == 7
    for name, wanted in module.call(x).items():
        error = np.sqrt(np.mean((found[name] - wanted.numpy()) ** 2))
        assert error < 0.03 * wanted.numpy().std(), name


def test_a_graph_without_any_is_as_it_was():
    pytest.importorskip("tensorflow")
    graph = frozen(lambda x: layer(x, 1), None, CHANNELS)
    assert with_named_outputs(graph) is graph


def test_names_that_are_taken_get_another():
    tf = pytest.importorskip("tensorflow")
    graph = frozen(lambda x: layer(tf.split(x, 2, 1)[1], 1), None, 2 * CHANNELS)
    named = with_named_outputs(with_named_outputs(graph)).graph_def
    names = [node.name for node in named.node]
    assert len(set(names)) == len(names)
    (later,) = (node.name for node in named.node if any(map(is_later, node.input)))
    assert later.endswith("/output_1_")
