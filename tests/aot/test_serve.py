# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A compiled model answers TensorFlow Serving's clients as TensorFlow would."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative

for package in ("grpc", "httpx", "starlette", "uvicorn", "tensorflow_serving"):
    pytest.importorskip(package, reason=f"needs {package}")

import grpc  # noqa: E402
import httpx  # noqa: E402

from tests.aot.running_server import Running  # noqa: E402
from tfnative.serving.server.config import ModelSettings  # noqa: E402

tf: Any = pytest.importorskip("tensorflow")

LABELS = ("low", "middle", "high")
PETALS = np.array([0.5, -1.0, 3.0, 0.0], np.float32)
SEPALS = np.array([[1, 2], [-3, 4], [0.5, 0.25], [0, 0]], np.float32)


def api(name: str) -> Any:
    return importlib.import_module(f"tensorflow_serving.apis.{name}")


class Flowers(tf.Module):  # type: ignore[misc]
    """Three classes and a number, of two features."""

    def __init__(self, labels: Path) -> None:
        super().__init__()
        rng = np.random.default_rng(3)
        self.kernel = tf.Variable(rng.standard_normal((3, 3)), dtype=tf.float32)
        self.labels = tf.saved_model.Asset(str(labels))
        specs = [
            tf.TensorSpec([None], tf.float32, "petal"),
            tf.TensorSpec([None, 2], tf.float32, "sepal"),
        ]
        self.classify = tf.function(self._classify, input_signature=specs)
        self.regress = tf.function(self._regress, input_signature=specs)

    def _classify(self, petal: Any, sepal: Any) -> dict[str, Any]:
        x = tf.concat([petal[:, None], sepal], 1)
        return {"scores": tf.nn.softmax(x @ self.kernel)}

    def _regress(self, petal: Any, sepal: Any) -> dict[str, Any]:
        return {"outputs": petal * 2 + tf.reduce_sum(sepal, 1)}


def warmup_request(signature: str) -> bytes:
    log = api("prediction_log_pb2").PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = "flowers"
    request.model_spec.signature_name = signature
    request.inputs["petal"].CopyFrom(tf.make_tensor_proto(PETALS))
    request.inputs["sepal"].CopyFrom(tf.make_tensor_proto(SEPALS))
    return bytes(log.SerializeToString())


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Flowers, Path]:
    """The model, and the folder of its versions."""
    folder = tmp_path_factory.mktemp("flowers")
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    module = Flowers(folder / "labels.txt")
    saved = folder / "saved_model"
    signatures = {"classify": module.classify, "regress": module.regress}
    tf.saved_model.save(module, str(saved), signatures)
    extra = saved / "assets.extra"
    extra.mkdir()
    requests = str(extra / "tf_serving_warmup_requests")
    with tf.io.TFRecordWriter(requests) as writer:
        for signature in signatures:
            writer.write(warmup_request(signature))
    tfnative.compile(
        saved, folder / "flowers" / "1", name="flowers", batch_sizes=(1, 4)
    )
    return module, folder / "flowers"


@pytest.fixture(params=["by itself", "batched"])
def server(
    request: pytest.FixtureRequest, flowers: tuple[Flowers, Path], tmp_path: Path
) -> Iterator[Running]:
    batching = None
    if request.param == "batched":
        (tmp_path / "batching.txt").write_text("max_batch_size { value: 8 }")
        batching = str(tmp_path / "batching.txt")
    running = Running({"flowers": ModelSettings("flowers", str(flowers[1]))}, batching)
    yield running
    running.stop()


@pytest.fixture
def stub(server: Running) -> Iterator[Any]:
    with grpc.insecure_channel(f"localhost:{server.port}") as channel:
        yield api("prediction_service_pb2_grpc").PredictionServiceStub(channel)


def fill(request: Any) -> None:
    for petal, sepal in zip(PETALS, SEPALS, strict=True):
        features = request.input.example_list.examples.add().features.feature
        features["petal"].float_list.value.append(petal)
        features["sepal"].float_list.value.extend(sepal)


def check_classes(result: Any, module: Flowers) -> None:
    expected = module.classify(PETALS, SEPALS)["scores"].numpy()
    assert len(result.classifications) == len(PETALS)
    for row, scores in zip(result.classifications, expected, strict=True):
        assert tuple(each.label for each in row.classes) == LABELS
        found = [each.score for each in row.classes]
        np.testing.assert_allclose(found, scores, rtol=1e-5)


def check_numbers(result: Any, module: Flowers) -> None:
    expected = module.regress(PETALS, SEPALS)["outputs"].numpy()
    found = [each.value for each in result.regressions]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_classify_and_regress(stub: Any, flowers: tuple[Flowers, Path]) -> None:
    request = api("classification_pb2").ClassificationRequest()
    request.model_spec.name = "flowers"
    request.model_spec.signature_name = "classify"
    fill(request)
    check_classes(stub.Classify(request, timeout=20).result, flowers[0])
    request = api("regression_pb2").RegressionRequest()
    request.model_spec.name = "flowers"
    request.model_spec.signature_name = "regress"
    fill(request)
    check_numbers(stub.Regress(request, timeout=20).result, flowers[0])


def test_several_heads(stub: Any, flowers: tuple[Flowers, Path]) -> None:
    request = api("inference_pb2").MultiInferenceRequest()
    for method in ("classify", "regress"):
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name = "flowers"
        task.model_spec.signature_name = method
    fill(request)
    first, second = stub.MultiInference(request, timeout=20).results
    assert first.model_spec.signature_name == "classify"
    check_classes(first.classification_result, flowers[0])
    check_numbers(second.regression_result, flowers[0])


def test_rest_gives_labels_and_scores(
    server: Running, flowers: tuple[Flowers, Path]
) -> None:
    body = {
        "signature_name": "classify",
        "context": {"petal": 0.5},
        "examples": [{"sepal": [1, 2]}, {"sepal": [-3, 4]}],
    }
    url = f"http://localhost:{server.rest_port}/v1/models/flowers:classify"
    answer = httpx.post(url, json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    petals = np.full(2, 0.5, np.float32)
    expected = flowers[0].classify(petals, SEPALS[:2])["scores"].numpy()
    for row, scores in zip(answer.json()["results"], expected, strict=True):
        assert [label for label, _ in row] == list(LABELS)
        np.testing.assert_allclose([s for _, s in row], scores, rtol=1e-5)


def test_requests_to_warm_up_with_come_along(flowers: tuple[Flowers, Path]) -> None:
    from tfnative.serving.server.warmup import run_warmup_requests

    with tfnative.load(flowers[1] / "1") as model:
        assert run_warmup_requests(model, flowers[1] / "1") == 2
