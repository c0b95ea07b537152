# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models that still have in them what only their training needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def tf1_dropout(path: Path, *, keep: str) -> Path:
    """A network of TensorFlow 1 as it was trained, with all that goes with that.

    Args:
        path: Where to write it.
        keep: What the share that dropout keeps is: "constant", of 0.5, or "default",
            a placeholder that is 1.0 by default.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        rng = np.random.default_rng(6)
        x = v1.placeholder(tf.float32, [None, 5], name="x")
        labels = v1.placeholder(tf.float32, [None, 3], name="labels")
        share = (
            tf.constant(0.5)
            if keep == "constant"
            else v1.placeholder_with_default(1.0, [], name="keep_prob")
        )
        w1 = v1.get_variable("w1", initializer=_normal(rng, 5, 7))
        w2 = v1.get_variable("w2", initializer=_normal(rng, 7, 3))
        hidden = tf.nn.relu(x @ w1)
        noise = share + v1.random_uniform(tf.shape(hidden))
        hidden = tf.divide(hidden, share) * tf.floor(noise)
        y = tf.nn.softmax(hidden @ w2, name="y")
        loss = tf.reduce_mean((y - labels) ** 2)
        v1.summary.scalar("loss", loss)
        train = v1.train.AdamOptimizer().minimize(loss)
        queue = tf.queue.FIFOQueue(2, tf.float32)
        enqueue = queue.enqueue(loss)
        v1.add_to_collection("train", [train, enqueue])
        session.run(v1.global_variables_initializer())
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}
        )
        builder.save()
    return path


def keras_training(
    path: Path, *layers: Callable[[], Any], shape: tuple[int, ...] = (6,)
) -> Any:
    """Writes a Keras model with a signature that trains; returns the model."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    inputs = keras.Input(shape, name="x")
    hidden = inputs
    for make in layers:
        hidden = make()(hidden)
    model = keras.Model(inputs, keras.layers.Dense(3)(hidden))

    @tf.function(input_signature=[tf.TensorSpec([None, *shape], tf.float32, "x")])
    def serve(x: Any) -> dict[str, Any]:
        return {"y": model(x, training=True)}

    module = tf.Module()
    module.variables_ = [v.value for v in model.variables]
    module.seeds = [v.value for v in model.non_trainable_variables]
    module.serve = serve
    tf.saved_model.save(module, str(path), signatures=serve)
    return model


def queue_at_the_input(path: Path) -> Path:
    """A GraphDef whose input comes from a queue, and whose variables are constants."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        queue = tf.queue.FIFOQueue(4, tf.float32, shapes=[[5]], name="queue")
        batch = queue.dequeue_many(2, name="batch")
        weights = tf.constant(_normal(np.random.default_rng(3), 5, 3))
        tf.identity(tf.tanh(batch @ weights), name="y")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def _normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)
