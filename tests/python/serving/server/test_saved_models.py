# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server runs SavedModels with TensorFlow, for the official clients."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

import tfnative

grpc = pytest.importorskip("grpc", reason="needs grpcio")
httpx = pytest.importorskip("httpx", reason="needs httpx")
tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api")

from tfnative.serving.server.config import ModelSettings  # noqa: E402

WORDS = ["zero", "one", "two"]
AGES = [3.0, 50.0, 20.0]


def api(name: str):
    return importlib.import_module(f"tensorflow_serving.apis.{name}")


def save(path: Path) -> None:
    """Strings and a table; and heads for tf.Example messages."""
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(WORDS), tf.constant([0, 1, 2], tf.int64)
        ),
        default_value=-1,
    )
    strings = tf.TensorSpec([None], tf.string, "words")
    examples = tf.TensorSpec([None], tf.string, "examples")

    def ages(serialised):
        features = {"age": tf.io.FixedLenFeature([], tf.float32)}
        return tf.io.parse_example(serialised, features)["age"]

    @tf.function(input_signature=[strings])
    def words(words):
        return {"ids": module.table.lookup(words), "upper": tf.strings.upper(words)}

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")])
    def double(x):
        return {"y": 2 * x}

    @tf.function(input_signature=[examples])
    def classify(examples):
        old = tf.clip_by_value(ages(examples) / 100, 0, 1)
        scores = tf.stack([1 - old, old], 1)
        labels = tf.constant([["young", "old"]])
        return {"scores": scores, "classes": tf.tile(labels, [tf.shape(old)[0], 1])}

    @tf.function(input_signature=[examples])
    def regress(examples):
        return {"outputs": 2 * ages(examples)}

    signatures = {
        "serving_default": words,
        "double": double,
        "classify": classify,
        "regress": regress,
    }
    tf.saved_model.save(module, str(path), signatures)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> dict[str, ModelSettings]:
    folder = tmp_path_factory.mktemp("saved") / "words"
    save(folder / "7")
    return {"words": ModelSettings("words", str(folder))}


@pytest.fixture(params=["by itself", "batched"])
def running(request, serve, settings, tmp_path):
    models = {"poll_seconds": None, "load": tfnative.LoadOptions(backend="tensorflow")}
    if request.param == "batched":
        (tmp_path / "batching.txt").write_text("max_batch_size { value: 16 }")
        models["batching_parameters_file"] = str(tmp_path / "batching.txt")
    return serve(settings, models)


@pytest.fixture
def stub(running):
    with grpc.insecure_channel(running.grpc) as channel:
        yield api("prediction_service_pb2_grpc").PredictionServiceStub(channel)


def ask_for(request, signature: str):
    request.model_spec.name = "words"
    request.model_spec.signature_name = signature
    for age in AGES:
        example = request.input.example_list.examples.add()
        example.features.feature["age"].float_list.value.append(age)
    return request


def check_classes(result) -> None:
    for age, row in zip(AGES, result.classifications, strict=True):
        assert [each.label for each in row.classes] == ["young", "old"]
        scores = [each.score for each in row.classes]
        np.testing.assert_allclose(scores, [1 - age / 100, age / 100], rtol=1e-6)


def check_numbers(result) -> None:
    assert [each.value for each in result.regressions] == [2 * age for age in AGES]


def test_strings_and_tables(stub, running):
    request = api("predict_pb2").PredictRequest()
    request.model_spec.name = "words"
    request.inputs["words"].CopyFrom(tf.make_tensor_proto(["two", "zero", "ten"]))
    response = stub.Predict(request, timeout=20)
    assert tf.make_ndarray(response.outputs["ids"]).tolist() == [2, 0, -1]
    upper = tf.make_ndarray(response.outputs["upper"]).tolist()
    assert upper == [b"TWO", b"ZERO", b"TEN"]
    assert response.model_spec.version.value == 7
    answer = httpx.post(
        f"{running.rest}/v1/models/words:predict", json={"instances": ["one", "two"]}
    )
    expected = [{"ids": 1, "upper": "ONE"}, {"ids": 2, "upper": "TWO"}]
    assert answer.json() == {"predictions": expected}


def test_numbers(stub):
    request = api("predict_pb2").PredictRequest()
    request.model_spec.name = "words"
    request.model_spec.signature_name = "double"
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(x))
    response = stub.Predict(request, timeout=20)
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["y"]), 2 * x)


def test_classify_and_regress(stub):
    request = ask_for(api("classification_pb2").ClassificationRequest(), "classify")
    check_classes(stub.Classify(request, timeout=20).result)
    request = ask_for(api("regression_pb2").RegressionRequest(), "regress")
    check_numbers(stub.Regress(request, timeout=20).result)


def test_several_heads(stub):
    request = api("inference_pb2").MultiInferenceRequest()
    for method in ("classify", "regress"):
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name = "words"
        task.model_spec.signature_name = method
    for age in AGES:
        example = request.input.example_list.examples.add()
        example.features.feature["age"].float_list.value.append(age)
    first, second = stub.MultiInference(request, timeout=20).results
    check_classes(first.classification_result)
    check_numbers(second.regression_result)


def test_saved_models_need_a_backend(serve, settings):
    with pytest.raises(tfnative.LoadError, match=r"compile it .* backend="):
        serve(settings)
