# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models of all ages go through the transforms, and stay the same models."""

from __future__ import annotations

import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.aot.optimize.plain_tensorflow import run_with_tensorflow
from tests.conftest import Export
from tests.models import ZOO, heads, split
from tests.models.saving import function_save
from tests.models.training import keras_training, queue_at_the_input, tf1_dropout
from tfnative.errors import CompileError

# One of each way to be saved, and of each kind of layer.
KINDS = [
    "digits_cnn",
    "keras2_cnn",
    "keras3_bare",
    "mha",
    "tf1_loop",
    "unknown_length",
]


def optimized(path: Path, folder: Path, **options: Any) -> tfnative.Optimized:
    return tfnative.optimize(path, folder / "small", **options)


@pytest.mark.parametrize("name", KINDS)
def test_the_default_list_keeps_every_output_and_never_grows_the_file(
    name: str, export: Export, tmp_path: Path
):
    case, path = ZOO[name], export(ZOO[name])
    done = optimized(path, tmp_path, signatures=[case.signature])
    assert [s.transform for s in done.steps if not s.applied] == []
    assert max(step.total_error or 0 for step in done.steps) <= 1e-5
    assert done.steps[-1].bytes <= done.steps[0].bytes
    assert done.steps[-1].nodes <= done.steps[0].nodes
    inputs = case.inputs(5, np.random.default_rng(3))
    was = run_with_tensorflow(path, case.signature, inputs)
    for output, array in run_with_tensorflow(
        done.output, case.signature, inputs
    ).items():
        scale = float(np.max(np.abs(was[output].astype(np.float64)), initial=1e-9))
        np.testing.assert_allclose(
            array.astype(np.float64),
            was[output].astype(np.float64),
            rtol=0,
            atol=1e-5 * scale,
        )


@pytest.mark.slow
def test_the_optimized_model_is_loaded_by_all_that_load_models(
    export: Export, tmp_path: Path
):
    case = ZOO["digits_cnn"]
    done = optimized(export(case), tmp_path)
    inputs = case.inputs(3, np.random.default_rng(5))
    was = run_with_tensorflow(export(case), case.signature, inputs)["probabilities"]
    artifact = tfnative.compile(
        done.output, tmp_path / "compiled", cpus=["native"], batch_sizes=[3]
    )
    for model in (
        tfnative.load(done.output, backend="tensorflow"),
        tfnative.load(artifact),
    ):
        found = model.predict(inputs)
        np.testing.assert_allclose(found["probabilities"], was, atol=1e-5)
    again = optimized(done.output, tmp_path / "again")
    assert again.steps[-1].nodes <= done.steps[-1].nodes


def test_signatures_share_their_weights(export: Export, tmp_path: Path):
    path = export(ZOO["digits_cnn"])
    both = optimized(path, tmp_path / "both")
    one = optimized(path, tmp_path / "one", signatures=["serving_default"])
    assert set(both.inputs) == {"serve", "serving_default"}
    assert list(one.inputs) == ["serving_default"]
    saved = tf.saved_model.load(str(one.output))
    assert list(saved.signatures) == ["serving_default"]
    constants = one.steps[-1].bytes
    assert both.steps[-1].bytes < 1.6 * constants
    assert both.steps[0].bytes < 1.6 * one.steps[0].bytes


@pytest.mark.parametrize("keep", ["constant", "default"])
def test_a_network_of_tensorflow_1_loses_its_dropout(keep: str, tmp_path: Path):
    path = tf1_dropout(tmp_path / "net", keep=keep)
    done = optimized(path, tmp_path)
    ops = done.steps[-1].ops
    assert not {"RandomUniform", "Floor", "ApplyAdam", "ScalarSummary"} & ops.keys()
    assert not {"FIFOQueueV2", "SaveV2"} & ops.keys()
    x = np.random.default_rng(2).standard_normal((4, 5)).astype(np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    w1, w2 = (
        tf.train.load_variable(str(path / "variables/variables"), name)
        for name in ("w1", "w2")
    )
    expected = tf.nn.softmax(np.maximum(x @ w1, 0) @ w2).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # What came before was random, and is not compared.
    removal = next(s for s in done.steps if s.transform == "remove_training_nodes")
    assert (removal.max_error is None) == (keep == "constant")


def test_a_keras_model_in_training_mode_predicts_as_in_prediction(tmp_path: Path):
    import keras

    model = keras_training(
        tmp_path / "net",
        lambda: keras.layers.Dense(8, activation="relu"),
        lambda: keras.layers.Dropout(0.5),
        lambda: keras.layers.GaussianNoise(0.2),
        lambda: keras.layers.GaussianDropout(0.2),
        lambda: keras.layers.AlphaDropout(0.1),
    )
    done = optimized(tmp_path / "net", tmp_path)
    assert not [op for op in done.steps[-1].ops if "Random" in op or "Assign" in op]
    x = np.random.default_rng(3).standard_normal((3, 6)).astype(np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_allclose(found, model(x, training=False), atol=1e-6)


@pytest.mark.slow
def test_a_recurrent_network_with_dropout_predicts_as_in_prediction(tmp_path: Path):
    import keras

    model = keras_training(
        tmp_path / "net",
        lambda: keras.layers.LSTM(4, dropout=0.3, return_sequences=True),
        lambda: keras.layers.SpatialDropout1D(0.5),
        lambda: keras.layers.GRU(4, recurrent_dropout=0.3),
        shape=(5, 3),
    )
    done = optimized(tmp_path / "net", tmp_path)
    assert not [op for op in done.steps[-1].ops if "Random" in op or "Assign" in op]
    x = np.random.default_rng(3).standard_normal((3, 5, 3)).astype(np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_allclose(found, model(x, training=False), atol=1e-6)


AUGMENTATION = {
    "flip": lambda keras, **named: keras.layers.RandomFlip(**named),
    "turn": lambda keras, **named: keras.layers.RandomRotation(0.1, **named),
    "shift": lambda keras, **named: keras.layers.RandomTranslation(0.1, 0.2, **named),
    "zoom": lambda keras, **named: keras.layers.RandomZoom(0.3, **named),
    "contrast": lambda keras, **named: keras.layers.RandomContrast(0.2, **named),
}


@pytest.mark.slow
def test_augmentation_of_images_is_removed_whatever_it_is_called(tmp_path: Path):
    import keras

    named = [partial(make, keras, name=name) for name, make in AUGMENTATION.items()]
    model = keras_training(
        tmp_path / "net",
        *(partial(make, keras) for make in AUGMENTATION.values()),
        lambda: keras.layers.RandomBrightness(0.2),
        lambda: keras.layers.RandomHue(0.2, value_range=(0, 1)),
        *named[:-1],
        keras.layers.Flatten,
        shape=(8, 8, 3),
    )
    done = optimized(tmp_path / "net", tmp_path)
    ops = done.steps[-1].ops
    assert not [op for op in ops if re.search("Random|Assign|Transform|Reverse", op)]
    x = np.random.default_rng(3).random((3, 8, 8, 3), np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_allclose(found, model(x, training=False), atol=1e-6)


def _in_a_loop(x: Any) -> Any:
    def body(count: Any, state: Any) -> Any:
        state = tf.cond(
            count > 0, lambda: tf.nn.dropout(tf.tanh(state), 0.3), lambda: state * 2
        )
        return count + 1, state + tf.random.normal(tf.shape(state), stddev=0.2)

    return tf.while_loop(lambda count, _: count < 3, body, [0, x])[1]


def test_dropout_and_noise_in_loops_and_branches_are_removed(tmp_path: Path):
    x = np.random.default_rng(3).standard_normal((3, 4)).astype(np.float32)
    path = function_save(_in_a_loop, x=((None, 4), "float32"))(tmp_path / "net")
    done = optimized(path, tmp_path)
    assert not [op for op in done.steps[-1].ops if "Random" in op]
    (found,) = run_with_tensorflow(done.output, "serving_default", {"x": x}).values()
    np.testing.assert_allclose(found, np.tanh(np.tanh(x * 2)), atol=1e-6)


def test_signatures_that_change_variables_are_refused(tmp_path: Path):
    import keras

    cropped = partial(keras.layers.RandomCrop, 4, 4)
    keras_training(tmp_path / "net", cropped, shape=(8, 8, 3))
    with pytest.raises(CompileError, match=r"AssignVariableOp_1 change variables"):
        optimized(tmp_path / "net", tmp_path)
    keras_training(tmp_path / "drops", lambda: keras.layers.Dropout(0.5))
    with pytest.raises(CompileError, match="AssignVariableOp change variables"):
        optimized(tmp_path / "drops", tmp_path, transforms="fold_constants")


def test_a_queue_at_the_input_becomes_a_placeholder(tmp_path: Path):
    path = queue_at_the_input(tmp_path / "net.pb")
    small = tmp_path / "small.pb"
    done = tfnative.optimize(
        path,
        small,
        format="graphdef",
        inputs={"x": "batch:0"},
        outputs={"y": "y:0"},
        representative_data={"x": np.eye(5, dtype=np.float32)},
    )
    assert not [op for op in done.steps[-1].ops if "Queue" in op]
    assert done.steps[-1].ops["Placeholder"] == 1
    graph_def = tf.compat.v1.GraphDef.FromString(small.read_bytes())
    with (
        tf.Graph().as_default() as graph,
        tf.compat.v1.Session(graph=graph) as session,
    ):
        tf.graph_util.import_graph_def(graph_def, name="")
        feeds = {done.inputs["serving_default"]["x"]: np.ones((2, 5), np.float32)}
        assert session.run(done.outputs["serving_default"]["y"], feeds).shape == (2, 3)


def test_a_graph_def_keeps_the_names_of_its_inputs_and_outputs(
    export: Export, tmp_path: Path
):
    case = ZOO["graphdef"]
    done = tfnative.optimize(
        export(case),
        tmp_path / "small.pb",
        format="graphdef",
        inputs=case.graph_inputs,
        outputs=case.graph_outputs,
    )
    assert done.inputs == {"serving_default": {"image": "x:0"}}
    assert done.outputs["serving_default"] == {
        "logits": "logits:0",
        "largest": "largest:0",
    }
    again = tfnative.optimize(
        done.output,
        tmp_path / "saved",
        inputs=case.graph_inputs,
        outputs=case.graph_outputs,
    )
    inputs = case.inputs(4, np.random.default_rng(1))
    found = run_with_tensorflow(again.output, "serving_default", inputs)
    expected = tfnative.compile(export(case), tmp_path / "c", **case.options())
    for name, array in tfnative.load(expected).predict(inputs).items():
        np.testing.assert_allclose(found[name], array, atol=1e-4)


def test_tables_of_strings_and_their_files_stay(tmp_path: Path):
    path = split.reviews(tmp_path / "reviews" / "1")
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "notes.txt").write_text("ours")
    done = optimized(path, tmp_path)
    rng = np.random.default_rng(4)
    inputs = {
        "words": split.random_words(6, rng),
        "weights": rng.random((6, 5)).astype(np.float32),
    }
    was = run_with_tensorflow(path, "serving_default", inputs)
    files = {p.name: p.read_bytes() for p in (path / "assets").iterdir()}
    shutil.rmtree(path)
    now = run_with_tensorflow(done.output, "serving_default", inputs)
    for name, array in was.items():
        np.testing.assert_allclose(now[name], array, atol=1e-5)
    assert {p.name: p.read_bytes() for p in (done.output / "assets").iterdir()} == files
    assert (done.output / "assets.extra" / "notes.txt").read_text() == "ours"
    assert tfnative.load(done.output, backend="tensorflow").predict(inputs).keys() == (
        was.keys()
    )


def test_models_of_messages_are_compared_on_those_of_a_file(tmp_path: Path):
    path = heads.passengers(tmp_path / "passengers")
    rng = np.random.default_rng(4)
    messages = heads.random_messages(24, rng)
    with tf.io.TFRecordWriter(str(tmp_path / "messages.tfrecord")) as writer:
        for message in messages:
            writer.write(message)
    done = optimized(
        path,
        tmp_path,
        signatures=["serving_default"],
        representative_data=tmp_path / "messages.tfrecord",
    )
    inputs = {"examples": np.array(messages, object)}
    was = run_with_tensorflow(path, "serving_default", inputs)
    now = run_with_tensorflow(done.output, "serving_default", inputs)
    np.testing.assert_allclose(now["scores"], was["scores"], atol=1e-5)
    np.testing.assert_array_equal(now["age"], was["age"])


def test_odd_signatures_stay_what_they_are(tmp_path: Path):
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer([0, 1, 2], ["cat", "dog", "cow"]),
        default_value="?",
    )
    module.weights = tf.Variable(tf.ones([4, 3]))
    number = tf.TensorSpec([None, 4], tf.float32, "x")

    @tf.function(input_signature=[number])
    def labels(x: Any) -> dict[str, Any]:
        scores = tf.cumsum(x @ module.weights, -1)
        best = tf.argmax(scores, -1, output_type=tf.int32)
        return {"label": module.table.lookup(best), "best": best, "scores": scores}

    @tf.function(input_signature=[number])
    def passes_on(x: Any) -> dict[str, Any]:
        return {"same": x, "again": x, "constant": tf.constant([1.0, 2.0])}

    @tf.function(input_signature=[])
    def nothing() -> dict[str, Any]:
        return {"y": module.weights * 2.0}

    module.functions = [labels, passes_on, nothing]
    signatures = {"labels": labels, "passes on!": passes_on, "_nothing": nothing}
    path = tmp_path / "net"
    tf.saved_model.save(module, str(path), signatures=signatures)
    done = optimized(path, tmp_path)
    assert [step.reason for step in done.steps if not step.applied] == []
    assert set(done.inputs) == set(signatures)
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    for name in signatures:
        inputs = {} if name == "_nothing" else {"x": x}
        was = run_with_tensorflow(path, name, inputs)
        now = run_with_tensorflow(done.output, name, inputs)
        assert now.keys() == was.keys()
        for output, array in was.items():
            np.testing.assert_array_equal(now[output], array)
            assert now[output].dtype == array.dtype


def _with_a_generator(path: Path, form: Any) -> Path:
    module = tf.Module()
    module.generator = tf.random.Generator.from_seed(3)

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
    def call(x: Any) -> dict[str, Any]:
        return {"y": form(x, module.generator)}

    module.call = call
    tf.saved_model.save(module, str(path), signatures=call)
    return path


def test_noise_of_a_generator_is_removed_as_any_other(tmp_path: Path):
    path = _with_a_generator(
        tmp_path / "net", lambda x, rng: x * 2.0 + rng.normal(tf.shape(x))
    )
    done = optimized(path, tmp_path)
    x = np.random.default_rng(3).standard_normal((3, 4)).astype(np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_array_equal(found, x * 2)


def test_other_numbers_of_a_generator_are_refused_by_what_they_are(tmp_path: Path):
    path = _with_a_generator(
        tmp_path / "net", lambda x, rng: x * rng.uniform(tf.shape(x), 0.3, 0.9)
    )
    with pytest.raises(
        CompileError, match=r"RngReadAndSkip.*Generator keeps its state"
    ):
        optimized(path, tmp_path)


@pytest.mark.slow
def test_layers_of_keras_2_that_change_images_are_removed(tmp_path: Path):
    from tf_keras import layers

    made = [
        layers.RandomFlip(seed=1),
        layers.RandomRotation(0.1),
        layers.RandomTranslation(0.1, 0.2),
        layers.RandomZoom(0.3),
        layers.RandomContrast(0.2),
        layers.RandomBrightness(0.2),
    ]
    module = tf.Module()
    module.layers = made

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, "x")])
    def call(x: Any) -> dict[str, Any]:
        for layer in made:
            x = layer(x, training=True)
        return {"y": x}

    tf.saved_model.save(module, str(tmp_path / "net"), signatures=call)
    done = optimized(tmp_path / "net", tmp_path)
    x = np.random.default_rng(3).random((3, 8, 8, 3), np.float32)
    found = run_with_tensorflow(done.output, "serving_default", {"x": x})["y"]
    np.testing.assert_array_equal(found, x)
