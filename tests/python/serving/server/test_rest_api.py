# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Our server's REST API has the bodies and statuses that are written down."""

from __future__ import annotations

import time

import numpy as np
import pytest

import tfnative

httpx = pytest.importorskip("httpx", reason="needs httpx")

from tfnative import serving  # noqa: E402

AFFINE = "/v1/models/affine"
ROWS = [[1, 2, 3], [4, 5, 6]]
EXPECTED = [[4, 6, 8], [10, 12, 14]]


@pytest.fixture
def ask(running):
    with httpx.Client(base_url=running.rest, timeout=20) as client:

        def ask(path: str, body=None):
            if body is None:
                return client.get(path)
            content = body if isinstance(body, bytes) else None
            json = None if isinstance(body, bytes) else body
            return client.post(path, content=content, json=json)

        yield ask


def predict(ask, path: str = f"{AFFINE}:predict", **body):
    return ask(path, {"signature_name": "affine", **body})


@pytest.mark.parametrize("rows", [ROWS, [{"x": row} for row in ROWS]])
def test_rows(ask, rows):
    answer = predict(ask, instances=rows)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"predictions": EXPECTED}


def test_a_batch_of_one(ask):
    assert predict(ask, instances=ROWS[:1]).json() == {"predictions": EXPECTED[:1]}


@pytest.mark.parametrize("columns", [ROWS, {"x": ROWS}])
def test_columns(ask, columns):
    assert predict(ask, inputs=columns).json() == {"outputs": EXPECTED}


@pytest.mark.parametrize("empty", [{"instances": []}, {"inputs": []}])
def test_a_batch_without_rows(ask, running, empty):
    with serving.Client(running.grpc) as client:
        x = np.empty((0, 3), np.float32)
        found = client.predict("affine", {"x": x}, signature="affine")
    (answer,) = predict(ask, **empty).json().values()
    assert answer == found["y"].tolist()


def test_numbers_that_json_does_not_have(ask):
    body = b'{"signature_name": "affine", "instances": [[NaN, Infinity, -Infinity]]}'
    answer = ask(f"{AFFINE}:predict", body)
    assert answer.text == '{"predictions":[[NaN,Infinity,-Infinity]]}'


@pytest.mark.parametrize("of", ["/versions/1", "/labels/stable"])
def test_versions_and_labels(ask, of):
    found = predict(ask, f"{AFFINE}{of}:predict", instances=ROWS[:1])
    assert found.json() == {"predictions": [[3, 5, 7]]}


def test_status(ask):
    one = {
        "version": "1",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    found = ask(AFFINE).json()["model_version_status"]
    assert found == [{**one, "version": "2"}, one]
    assert ask(f"{AFFINE}/versions/1").json() == {"model_version_status": [one]}


def test_metadata(ask):
    found = ask(f"{AFFINE}/versions/1/metadata").json()
    assert found["model_spec"] == {
        "name": "affine",
        "signature_name": "",
        "version": "1",
    }
    x = found["metadata"]["signature_def"]["signature_def"]["affine"]["inputs"]["x"]
    assert x["dtype"] == "DT_FLOAT"
    assert x["tensor_shape"]["dim"] == [
        {"size": "-1", "name": ""},
        {"size": "3", "name": ""},
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "match"),
    [
        ("/v1/models/other:predict", {"instances": ROWS}, 404, "Servable not found"),
        (f"{AFFINE}/versions/9:predict", {"instances": ROWS}, 404, "9"),
        (f"{AFFINE}/versions/{'9' * 20}", None, 404, "there is no version 9999"),
        (f"{AFFINE}/versions/{'9' * 5000}", None, 400, "got one of 5000 digits"),
        (f"{AFFINE}/labels/none", None, 404, "none"),
        (f"{AFFINE}:predict", {"instances": ROWS, "inputs": ROWS}, 400, "either"),
        (f"{AFFINE}:predict", {}, 400, "either"),
        (f"{AFFINE}:predict", {"instances": 5}, 400, "instances"),
        (f"{AFFINE}:predict", {"instances": [{"z": 1}]}, 400, "expected the inputs x"),
        (f"{AFFINE}:predict", {"inputs": {"z": ROWS}}, 400, "expected x, got z"),
        (f"{AFFINE}:predict", {"instances": [[1], [1, 2]]}, 400, "'x'"),
        (f"{AFFINE}:predict", {"instances": [["a"]]}, 400, "'x'"),
        (f"{AFFINE}:predict", {"instances": [[1, 2]]}, 400, "x"),
        (f"{AFFINE}:predict", b"{", 400, "JSON"),
        (f"{AFFINE}:predict", b"[1]", 400, "JSON"),
        (f"{AFFINE}:classify", {"examples": []}, 400, "examples"),
        (f"{AFFINE}:oops", {"instances": ROWS}, 400, "Malformed request"),
        ("/nothing", None, 400, "Malformed request"),
        (f"{AFFINE}:predict", None, 400, "Malformed request"),
    ],
)
def test_what_is_wrong_is_said(ask, path, body, status, match):
    if isinstance(body, dict):
        body = {"signature_name": "affine", **body}
    answer = ask(path, body)
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"error"}
    assert match in answer.json()["error"]


def test_a_signature_that_is_not_there(ask):
    answer = ask(f"{AFFINE}:predict", {"signature_name": "z", "instances": ROWS})
    assert answer.status_code == 400
    assert "not found in signature def" in answer.json()["error"]


def test_health(ask):
    assert ask("/healthz").text == "ok"


def test_metrics_have_the_names_of_tensorflow_serving(ask, running):
    for _ in range(3):
        predict(ask, instances=ROWS)
    predict(ask, instances=[[1]])
    predict(ask, "/v1/models/other:predict", instances=ROWS)
    with serving.Client(running.grpc) as client:
        client.predict("affine", {"x": np.array(ROWS, np.float32)}, signature="affine")
    # A gauge of batching may change between the two, though not for ever.
    paths = ("/metrics", "/monitoring/prometheus/metrics")
    assert any(len({ask(path).text for path in paths}) == 1 for _ in range(20))
    text = ask("/metrics").text
    lines = text.splitlines()
    helps = [line for line in lines if line.startswith("# TYPE")]
    assert len(helps) == len(set(helps))
    count = ":tensorflow:serving:request_count"
    assert f"# TYPE {count} counter" in lines
    assert f'{count}{{model_name="affine",status="OK"}} 4' in lines
    assert f'{count}{{model_name="affine",status="INVALID_ARGUMENT"}} 1' in lines
    assert f'{count}{{model_name="(unknown)",status="NOT_FOUND"}} 1' in lines
    latency = ":tensorflow:serving:request_latency"
    labels = 'model_name="affine",API="Predict",entrypoint='
    assert f'{latency}_count{{{labels}"REST"}} 3' in lines
    assert f'{latency}_count{{{labels}"GRPC"}} 1' in lines
    assert f'{latency}_bucket{{{labels}"REST",le="+Inf"}} 3' in lines
    assert f'{latency}_bucket{{{labels}"REST",le="10"}} 0' in lines


@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_our_client_asks_our_server(running, api):
    x = np.array(ROWS, np.float32)
    with serving.Client(getattr(running, api)) as client:
        found = client.predict("affine", {"x": x}, signature="affine", version=1)
        np.testing.assert_array_equal(found["y"], 2 * x + 1)
        assert client.wait_until_ready("affine") == 2
        model = client.model("affine", label="stable")
        np.testing.assert_array_equal(model.predict(x, signature="affine"), 2 * x + 1)
        with pytest.raises(tfnative.NotFoundError, match="Servable not found"):
            client.status("other")


def test_answers_are_not_held_back(ask):
    predict(ask, instances=ROWS)
    times = []
    for _ in range(20):
        started = time.perf_counter()
        predict(ask, instances=ROWS)
        times.append(time.perf_counter() - started)
    # With Nagle's algorithm and a delayed acknowledgement all take 40 ms.
    assert min(times) < 0.035
