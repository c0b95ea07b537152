# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Our server has readiness, metadata and limits in the Open Inference Protocol, too."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from tfnative import serving
from tfnative._version import __version__
from tfnative.serving import messages

grpc = pytest.importorskip("grpc", reason="needs grpcio")

AFFINE = "/v2/models/affine"
SERVICE = "/inference.GRPCInferenceService/"
SIGNATURE = {"parameters": {"signature_name": "affine"}}
BODY = {
    "inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [[1, 2, 3]]}],
    **SIGNATURE,
}
LARGE = {
    "inputs": [
        {"name": "x", "shape": [17, 3], "datatype": "FP32", "data": [1] * 17 * 3}
    ],
    **SIGNATURE,
}


def call(address: str, method_name: str, /, metadata=(), timeout=20, **fields):
    request = getattr(messages, f"{method_name}Request")(**fields)
    with grpc.insecure_channel(address) as channel:
        method = channel.unary_unary(
            SERVICE + method_name,
            request_serializer=type(request).SerializeToString,
            response_deserializer=getattr(
                messages, f"{method_name}Response"
            ).FromString,
        )
        return method(request, timeout=timeout, metadata=metadata)


def infer(address: str, rows: int = 1, metadata=(), version: str = ""):
    x = np.ones((rows, 3), np.float32)
    tensor = messages.ModelInferRequest.InferInputTensor(
        name="x", datatype="FP32", shape=x.shape
    )
    return call(
        address,
        "ModelInfer",
        metadata,
        model_name="affine",
        model_version=version,
        parameters={"signature_name": messages.InferParameter(string_param="affine")},
        inputs=[tensor],
        raw_input_contents=[x.tobytes()],
    )


def test_both_answer_as_the_other_api(running):
    expected = {
        "model_name": "affine",
        "model_version": "2",
        "outputs": [
            {"name": "y", "datatype": "FP32", "shape": [1, 3], "data": [4, 6, 8]}
        ],
    }
    assert httpx.post(f"{running.rest}{AFFINE}/infer", json=BODY).json() == expected
    assert httpx.post(
        f"{running.rest}{AFFINE}/infer", json={**BODY, "id": "mine"}
    ).json() == {**expected, "id": "mine"}
    (raw,) = infer(running.grpc).raw_output_contents
    with serving.Client(running.grpc) as client:
        x = np.ones((1, 3), np.float32)
        found = client.predict("affine", {"x": x}, signature="affine")
    assert raw == found["y"].tobytes()


@pytest.mark.parametrize("version", ["1", "stable"])
def test_a_version_is_a_number_or_a_label(running, version):
    answer = httpx.post(f"{running.rest}{AFFINE}/versions/{version}/infer", json=BODY)
    assert answer.json()["model_version"] == "1"
    assert answer.json()["outputs"][0]["data"] == [3, 5, 7]
    assert infer(running.grpc, version=version).model_version == "1"
    path = f"{AFFINE}/versions/{version}?signature_name=affine"
    found = httpx.get(running.rest + path).json()
    assert found["versions"] == ["1"]


def test_it_says_what_it_is(running):
    expected = {
        "name": "tfnative",
        "version": __version__,
        "extensions": ["binary_tensor_data"],
    }
    for path in ("/v2", "/v2/"):
        assert httpx.get(running.rest + path).json() == expected
    found = call(running.grpc, "ServerMetadata")
    assert (found.name, found.version) == ("tfnative", __version__)
    assert list(found.extensions) == expected["extensions"]


def test_it_says_what_models_are(running):
    path = f"{running.rest}{AFFINE}?signature_name=affine"
    assert httpx.get(path).json() == {
        "name": "affine",
        "versions": ["1", "2"],
        "platform": "tfnative",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}],
    }


def test_a_model_without_a_default_signature_says_which_there_are(running):
    text = httpx.get(running.rest + AFFINE).json()["error"]
    assert "affine" in text
    with pytest.raises(grpc.RpcError) as failed:
        call(running.grpc, "ModelMetadata", name="affine")
    assert failed.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_it_lives_and_is_ready(running):
    assert httpx.get(f"{running.rest}/v2/health/live").json() == {"live": True}
    assert httpx.get(f"{running.rest}/v2/health/ready").json() == {"ready": True}
    assert call(running.grpc, "ServerLive").live
    assert call(running.grpc, "ServerReady").ready
    for version, is_ready in (("", True), ("1", True), ("9", False), ("none", False)):
        path = f"{AFFINE}/versions/{version}" if version else AFFINE
        answer = httpx.get(f"{running.rest}{path}/ready")
        assert answer.status_code == (200 if is_ready else 503)
        assert answer.json() == {"name": "affine", "ready": is_ready}
        found = call(running.grpc, "ModelReady", name="affine", version=version)
        assert found.ready == is_ready
    running.server.is_ready = False  # As when it ends.
    assert httpx.get(f"{running.rest}/v2/health/live").status_code == 200
    assert httpx.get(f"{running.rest}/v2/health/ready").status_code == 503
    assert httpx.get(f"{running.rest}{AFFINE}/ready").status_code == 503
    assert not call(running.grpc, "ServerReady").ready


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{AFFINE}/infer", 400),
        ("POST", f"{AFFINE}/ready", 400),
        ("POST", AFFINE, 400),
        ("GET", "/v2/health", 400),
        ("GET", "/v2/models", 400),
        ("GET", f"{AFFINE}:predict", 400),
        ("GET", "/v2/models/none", 404),
        ("GET", "/v2/models/none/ready", 404),
        ("POST", "/v2/models/none/infer", 404),
        ("POST", f"{AFFINE}/versions/9/infer", 404),
        ("GET", f"{AFFINE}/versions/{1 << 63}", 404),
        ("GET", f"{AFFINE}/versions/{'9' * 30}", 400),
    ],
)
def test_paths_that_there_are_not(running, method, path, status):
    body = {"json": BODY} if method == "POST" else {}
    answer = httpx.request(method, running.rest + path, **body)
    assert answer.status_code == status
    assert answer.json().keys() == {"error"}
    assert answer.headers["x-request-id"]


def test_models_that_there_are_not_over_grpc(running):
    for name in ("ModelReady", "ModelMetadata"):
        with pytest.raises(grpc.RpcError) as failed:
            call(running.grpc, name, name="none")
        assert failed.value.code() == grpc.StatusCode.NOT_FOUND


def test_requests_are_counted_and_named(running):
    named = {"x-request-id": "mine"}
    path = f"{running.rest}{AFFINE}/infer"
    answer = httpx.post(path, json=BODY, headers=named)
    assert answer.headers["x-request-id"] == "mine"
    httpx.post(path, content=b"{")
    infer(running.grpc)
    text = httpx.get(f"{running.rest}/metrics").text
    lines = [line for line in text.splitlines() if "affine" in line]
    for entrypoint in ("REST", "GRPC"):
        assert any("ModelInfer" in line and entrypoint in line for line in lines), lines
    assert any("INVALID_ARGUMENT" in line and line.endswith(" 1") for line in lines)


@pytest.mark.parametrize("running", ["batched"], indirect=True)
def test_requests_are_batched(running):
    infer(running.grpc, 16)
    httpx.post(f"{running.rest}{AFFINE}/infer", json=BODY)
    (served,) = running.server.service.models.values()
    assert [batcher for *_, batcher in served.batchers()]
    answer = httpx.post(f"{running.rest}{AFFINE}/infer", json=LARGE)
    assert answer.status_code == 400
    assert "max_batch_size is 16" in answer.json()["error"]
    with pytest.raises(grpc.RpcError, match="max_batch_size is 16"):
        infer(running.grpc, 17)


def test_limits(serve, settings):
    from tfnative.serving.server.limits import RequestLimits

    limits = RequestLimits(max_request_bytes=1000)
    running = serve(settings, limits=limits)
    path = f"{running.rest}{AFFINE}/infer"
    assert httpx.post(path, content=b" " * 1001).status_code == 413
    with pytest.raises(grpc.RpcError) as failed:
        infer(running.grpc, 100)
    assert failed.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    huge = [{**BODY["inputs"][0], "shape": [100, 3]}]
    assert httpx.post(path, json={**BODY, "inputs": huge}).status_code == 429
    assert httpx.post(path, json=BODY).status_code == 200


def test_tokens(serve, settings, tmp_path):
    (tmp_path / "tokens").write_text("first\n")
    running = serve(settings, token_file=str(tmp_path / "tokens"))
    for path in ("/v2/health/live", "/v2/health/ready", f"{AFFINE}/ready"):
        assert httpx.get(running.rest + path).status_code == 200
    for path in ("/v2", AFFINE):
        assert httpx.get(running.rest + path).status_code == 401
    path = f"{running.rest}{AFFINE}/infer"
    assert httpx.post(path, json=BODY).status_code == 401
    given = {"authorization": "Bearer first"}
    assert httpx.post(path, json=BODY, headers=given).status_code == 200
    assert call(running.grpc, "ServerReady").ready
    assert call(running.grpc, "ServerLive").live
    assert call(running.grpc, "ModelReady", name="affine").ready
    for name, fields in (
        ("ServerMetadata", {}),
        ("ModelMetadata", {"name": "affine"}),
        ("ModelInfer", {"model_name": "affine"}),
    ):
        with pytest.raises(grpc.RpcError) as failed:
            call(running.grpc, name, **fields)
        assert failed.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert infer(running.grpc, metadata=tuple(given.items())).model_version == "2"


def test_a_server_that_ends_sends_requests_away(serve, settings):
    running = serve(settings)
    drain = running.server._drain
    running._loop.call_soon_threadsafe(setattr, drain, "is_refusing", True)
    running._loop.call_soon_threadsafe(setattr, drain, "is_stopping", True)
    httpx.get(f"{running.rest}/livez")  # The loop has run by then.
    answer = httpx.post(f"{running.rest}{AFFINE}/infer", json=BODY)
    assert answer.status_code == 503
    assert answer.headers["connection"] == "close"
    with pytest.raises(grpc.RpcError) as failed:
        infer(running.grpc)
    assert failed.value.code() == grpc.StatusCode.UNAVAILABLE
    assert httpx.get(f"{running.rest}/v2/health/live").status_code == 200
    assert call(running.grpc, "ServerLive").live
