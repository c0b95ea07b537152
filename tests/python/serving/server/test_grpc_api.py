# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The official stubs ask our server."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

grpc = pytest.importorskip("grpc", reason="needs grpcio")
tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api")

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def api(name: str):
    return importlib.import_module(f"tensorflow_serving.apis.{name}")


class Stubs:
    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        predictions = api("prediction_service_pb2_grpc")
        self.predictions = predictions.PredictionServiceStub(self.channel)
        self.models = api("model_service_pb2_grpc").ModelServiceStub(self.channel)

    def predict(self, x=X, **spec):
        request = api("predict_pb2").PredictRequest()
        fill(request.model_spec, **spec)
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(x))
        return self.predictions.Predict(request, timeout=20)


def fill(spec, name="affine", version=None, label=None, signature="affine"):
    spec.name = name
    spec.signature_name = signature
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label


@pytest.fixture
def stubs(running):
    stubs = Stubs(running.grpc)
    yield stubs
    stubs.channel.close()


def refused(code: str, match: str):
    class Refused:
        def __enter__(self):
            self._raises = pytest.raises(grpc.RpcError)
            self._info = self._raises.__enter__()

        def __exit__(self, *error):
            self._raises.__exit__(*error)
            assert self._info.value.code().name == code
            assert match in self._info.value.details()
            return True

    return Refused()


@pytest.mark.parametrize(
    ("spec", "version"), [({}, 2), ({"version": 1}, 1), ({"label": "stable"}, 1)]
)
def test_predict(stubs, spec, version):
    response = stubs.predict(**spec)
    np.testing.assert_array_equal(
        tf.make_ndarray(response.outputs["y"]), 2 * X + version
    )
    assert response.model_spec.version.value == version
    assert response.model_spec.name == "affine"
    assert response.model_spec.signature_name == "affine"


def test_many_requests_at_once(stubs):
    def ask(i: int) -> bool:
        x = np.full((1, 3), i, np.float32)
        found = tf.make_ndarray(stubs.predict(x).outputs["y"])
        return bool((found == 2 * i + 2).all())

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(ask, range(500)))


def test_only_the_outputs_that_are_wanted(stubs):
    request = api("predict_pb2").PredictRequest(output_filter=["z"])
    fill(request.model_spec)
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(X))
    with refused("INVALID_ARGUMENT", "output tensor alias not found"):
        stubs.predictions.Predict(request)


def test_what_is_not_there_is_not_found(stubs):
    with refused("NOT_FOUND", "Servable not found for request: Latest(other)"):
        stubs.predict(name="other")
    with refused("NOT_FOUND", "9"):
        stubs.predict(version=9)
    with refused("NOT_FOUND", "none"):
        stubs.predict(label="none")
    with refused("INVALID_ARGUMENT", "not found in signature def"):
        stubs.predict(signature="other")


def test_inputs_that_do_not_fit_are_refused(stubs):
    with refused("INVALID_ARGUMENT", "x"):
        stubs.predict(X.astype(np.int32))
    with refused("INVALID_ARGUMENT", "x"):
        stubs.predict(X[:, :2])


def test_a_damaged_request_is_refused(stubs):
    path = "/tensorflow.serving.PredictionService/"
    for method in ("Predict", "Classify", "GetModelMetadata"):
        ask = stubs.channel.unary_unary(path + method)
        with refused("INVALID_ARGUMENT", ""):
            ask(b"\xff\xff\xff")


def test_metadata(stubs):
    request = api("get_model_metadata_pb2").GetModelMetadataRequest(
        metadata_field=["signature_def"]
    )
    fill(request.model_spec)
    response = stubs.predictions.GetModelMetadata(request)
    assert response.model_spec.version.value == 2
    signatures = api("get_model_metadata_pb2").SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    info = signatures.signature_def["affine"].inputs["x"]
    assert info.dtype == 1
    assert [dim.size for dim in info.tensor_shape.dim] == [-1, 3]
    request.metadata_field[:] = ["other"]
    with refused("INVALID_ARGUMENT", "other"):
        stubs.predictions.GetModelMetadata(request)


def test_status(stubs):
    request = api("get_model_status_pb2").GetModelStatusRequest()
    fill(request.model_spec, signature="")
    found = stubs.models.GetModelStatus(request).model_version_status
    assert [(each.version, each.state) for each in found] == [(2, 30), (1, 30)]
    request.model_spec.version_label = "stable"
    found = stubs.models.GetModelStatus(request).model_version_status
    assert [each.version for each in found] == [1]
    fill(request.model_spec, "other", signature="")
    with refused("NOT_FOUND", "other"):
        stubs.models.GetModelStatus(request)


def ask_of_examples(kind: str):
    name = kind.capitalize()
    request = getattr(api(f"{kind}_pb2"), f"{name}Request")()
    fill(request.model_spec)
    return request


def test_classify_makes_arrays_of_features(stubs):
    request = ask_of_examples("classification")
    with refused("INVALID_ARGUMENT", "Input is empty"):
        stubs.predictions.Classify(request)
    example = request.input.example_list.examples.add()
    with refused("INVALID_ARGUMENT", "feature 'x' is missing"):
        stubs.predictions.Classify(request)
    example.features.feature["x"].float_list.value.extend([1, 2, 3])
    (row,) = stubs.predictions.Classify(request).result.classifications
    found = [each.score for each in row.classes]
    assert found == [4, 6, 8]


def test_regress_is_refused_where_no_signature_can(stubs):
    request = ask_of_examples("regression")
    with refused("INVALID_ARGUMENT", "Input is empty"):
        stubs.predictions.Regress(request)
    example = request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.extend([1, 2, 3])
    with refused("INVALID_ARGUMENT", "affine"):
        stubs.predictions.Regress(request)


def test_another_configuration(serve, settings, versions, tmp_path_factory):
    root = str(tmp_path_factory.getbasetemp())
    running = serve(settings, allow_reload_config=True, model_roots=(root,))
    stubs = Stubs(running.grpc)
    request = api("model_management_pb2").ReloadConfigRequest()
    one = request.config.model_config_list.config.add(
        name="again", base_path=str(versions)
    )
    one.model_version_policy.specific.versions.append(1)
    response = stubs.models.HandleReloadConfigRequest(request)
    assert response.status.error_code == 0, response.status.error_message
    found = stubs.predict(name="again")
    assert found.model_spec.version.value == 1
    with refused("NOT_FOUND", "affine"):
        stubs.predict()
    one.base_path = f"{root}/nowhere"
    response = stubs.models.HandleReloadConfigRequest(request)
    assert response.status.error_code == 5
    stubs.predict(name="again")
    stubs.channel.close()
