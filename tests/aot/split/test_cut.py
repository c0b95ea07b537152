# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which models are cut behind what TensorFlow has to run, and which are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models import heads, split
from tfnative.errors import CompileError

Arrays = dict[str, Any]


def test_sparse_features_are_made_dense_by_tensorflow(tmp_path):
    import tensorflow as tf

    source = heads.sparse_features(tmp_path / "model")
    rng = np.random.default_rng(0)
    messages = [heads.message(x=rng.random(4).astype(np.float32)) for _ in range(3)]
    artifact = tfnative.compile(
        source,
        tmp_path / "sparse",
        batch_sizes=(4,),
        cpus=["native"],
        golden={"examples": np.array(messages, object)},
    )
    with tfnative.load(artifact) as model:
        got = model.predict(messages)
    call = tf.saved_model.load(str(source)).signatures["serving_default"]
    expected = call(examples=tf.constant(messages))["y"].numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_tables_of_tensorflow_1_are_initialized(tmp_path):
    import tensorflow as tf

    source = split.tf1(tmp_path / "model")
    (tmp_path / "words.txt").unlink()
    artifact = tfnative.compile(
        source, tmp_path / "old", batch_sizes=(1, 4), cpus=["native"]
    )
    inputs = split.random_words(3, np.random.default_rng(0))[:, 0]
    with tfnative.load(artifact) as model:
        assert model.backend == "split"
        got = model.predict(inputs)
    call = tf.saved_model.load(str(source)).signatures["serving_default"]
    expected = call(words=tf.constant(inputs.tolist()))["scores"].numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_frozen_graphs_without_a_batch_are_cut(tmp_path):
    import tensorflow as tf

    source = split.graph_def(tmp_path / "model.pb")
    artifact = tfnative.compile(
        source,
        tmp_path / "frozen",
        cpus=["native"],
        inputs={"file": "file:0"},
        outputs={"features": "features:0"},
    )
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    file = tf.io.encode_jpeg(pixels).numpy()
    with tfnative.load(artifact) as model:
        assert model.signature().inputs["file"].shape == ()
        got = model.predict(file)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        graph_def = graph.as_graph_def()
        graph_def.ParseFromString(source.read_bytes())
        tf.graph_util.import_graph_def(graph_def, name="")
        expected = session.run("features:0", {"file:0": file})
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_keras_models_with_text_and_lookups_are_cut(tmp_path):
    import keras

    inputs = {
        "text": keras.Input((), dtype="string", name="text"),
        "city": keras.Input((1,), dtype="string", name="city"),
        "age": keras.Input((1,), name="age"),
    }
    words = keras.layers.TextVectorization(max_tokens=50, output_sequence_length=8)
    words.adapt(["the cat sat on the mat", "a dog ran far away"])
    embedded = keras.layers.Embedding(50, 16)(words(inputs["text"]))
    text = keras.layers.GlobalMaxPooling1D()(
        keras.layers.Conv1D(8, 3, activation="relu")(embedded)
    )
    city = keras.layers.StringLookup(vocabulary=["rome"], output_mode="one_hot")
    joined = keras.layers.Concatenate()([text, city(inputs["city"]), inputs["age"]])
    model = keras.Model(inputs, keras.layers.Dense(3)(joined))
    source = tmp_path / "model"
    model.export(str(source), format="tf_saved_model", verbose=False)
    artifact = tfnative.compile(
        source, tmp_path / "keras", batch_sizes=(4,), cpus=["native"]
    )
    given = {
        "text": np.array(["the cat ran", "", "far away dog", "x"], object),
        "city": np.array([["rome"], ["oslo"], [""], ["rome"]], object),
        "age": np.ones((4, 1), np.float32),
    }
    import tensorflow as tf

    with tfnative.load(artifact) as compiled:
        (got,) = compiled.predict(given).values()
    tensors = {n: tf.constant(value.tolist()) for n, value in given.items()}
    np.testing.assert_allclose(got, model(tensors).numpy(), rtol=1e-5, atol=1e-6)


def _save(module: Any, function: Any, path: Path) -> Path:
    import tensorflow as tf

    module.function = function
    tf.saved_model.save(module, str(path), signatures=function)
    return path


def test_a_model_with_little_behind_its_head_is_cut_too(tmp_path):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "texts")])
    def call(texts: Any) -> Arrays:
        return {"y": tf.cast(tf.strings.length(texts), tf.float32) * 2 + 1}

    source = _save(tf.Module(), call, tmp_path / "model")
    artifact = tfnative.compile(source, tmp_path / "artifact", cpus=["native"])
    with tfnative.load(artifact) as model:
        answer = model.predict(np.array(["a", "four"]))
    assert list(answer) == [3, 9]


@pytest.mark.parametrize("other", ["int32", "string"])
def test_inputs_that_nothing_reads_stay_inputs(tmp_path, other):
    import tensorflow as tf

    specs = [
        tf.TensorSpec([None, 2, 2], tf.float32, "x"),
        tf.TensorSpec([None], other, "other"),
    ]

    @tf.function(input_signature=specs)
    def call(x: Any, other: Any) -> Arrays:
        return {"y": tf.linalg.det(x) + 1}

    source = _save(tf.Module(), call, tmp_path / "model")
    artifact = tfnative.compile(source, tmp_path / "artifact", cpus=["native"])
    x = np.arange(12, dtype=np.float32).reshape(3, 2, 2) ** 2
    unread = np.array([1, 2, 3], object if other == "string" else np.int32)
    if other == "string":
        unread = unread.astype(str).astype(object)
    with tfnative.load(artifact) as model:
        assert set(model.signature().inputs) == {"x", "other"}
        got = model.predict({"x": x, "other": unread})
    expected = tf.linalg.det(x).numpy() + 1
    np.testing.assert_allclose(got["y"], expected, rtol=1e-5)


def test_tables_whose_values_are_in_the_checkpoint_are_not_cut(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    module.table.insert(tf.constant(["a"]), tf.constant([1], tf.int64))
    module.weights = tf.Variable(tf.ones([1, 3]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "texts")])
    def call(texts: Any) -> Arrays:
        ids = tf.cast(module.table.lookup(texts), tf.float32)
        return {"y": ids[:, None] @ module.weights}

    source = _save(module, call, tmp_path / "model")
    with pytest.raises(CompileError, match=r"MutableHashTable.*checkpoint"):
        tfnative.compile(source, tmp_path / "artifact")


def test_state_before_the_core_is_not_cut(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.count = tf.Variable(0.0)
    module.weights = tf.Variable(tf.ones([1, 3]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "texts")])
    def call(texts: Any) -> Arrays:
        size = tf.cast(tf.strings.length(texts), tf.float32)
        size += module.count.assign_add(1.0)
        return {"y": size[:, None] @ module.weights}

    source = _save(module, call, tmp_path / "model")
    with pytest.raises(CompileError, match="a head has no state"):
        tfnative.compile(source, tmp_path / "artifact")
