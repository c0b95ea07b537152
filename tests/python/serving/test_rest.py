# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The REST API is spoken as it is written down, and whatever comes back is borne."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tfnative

pytest.importorskip("httpx", reason="needs httpx")
pytest.importorskip("google.protobuf", reason="needs protobuf")
pytest.importorskip("grpc", reason="needs grpcio")

from tests.python.serving.rest_server import Handler, RestServer
from tfnative import serving

X = np.array([[1, 2, 3]], np.float32)
PREDICT = "/v1/models/m:predict"
ONCE = serving.Retry(max_attempts=1)


@pytest.fixture
def server() -> Iterator[RestServer]:
    server = RestServer()
    yield server
    server.stop()


class Asked:
    """A client of either kind."""

    def __init__(self, kind: str, address: str, **options: Any) -> None:
        self._kind = kind
        self._address = address
        self._options = options

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments, **options: self._ask(name, arguments, options)

    def _ask(self, name: str, arguments: Any, options: Any) -> Any:
        if self._kind == "sync":
            with serving.Client(self._address, **self._options) as client:
                return getattr(client, name)(*arguments, **options)

        async def ask() -> Any:
            address = self._address
            async with serving.AsyncClient(address, **self._options) as client:
                return await getattr(client, name)(*arguments, **options)

        return asyncio.run(ask())


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, server: RestServer) -> Asked:
    return Asked(request.param, server.address, retry=ONCE, timeout=20)


def body_of(server: RestServer) -> Any:
    return json.loads(server.requests[-1][2])


# --- What is written down -------------------------------------------------------------


def test_predict_sends_columns_and_reads_one_output(client, server):
    server.answers[PREDICT] = {"outputs": [[2.0, 4.0, 6.0]]}
    found = client.predict("m", {"x": X})
    assert found.keys() == {"y"}
    assert found["y"].dtype == np.float32
    assert found["y"].tolist() == [[2, 4, 6]]
    assert body_of(server) == {"inputs": {"x": [[1, 2, 3]]}}


def test_predict_reads_several_outputs_with_their_types(client, server):
    server.answers[PREDICT] = {"outputs": {"a": 5, "b": ["x", {"b64": "AP8="}]}}
    found = client.predict("m", {}, signature="two")
    assert found["a"].dtype == np.int64
    assert found["a"] == 5
    assert found["b"].tolist() == [b"x", b"\x00\xff"]
    assert body_of(server) == {"signature_name": "two", "inputs": {}}
    assert client.predict("m", {}, signature="two", output_filter=["a"]).keys() == {"a"}


def test_no_rows_come_back_with_their_shape(client, server):
    server.answers[PREDICT] = {"outputs": []}
    assert client.predict("m", {"x": X[:0]})["y"].shape == (0, 3)


def test_numbers_that_json_does_not_have(client, server):
    server.answers[PREDICT] = lambda handler: handler.send_text(
        b'{"outputs": [[NaN, Infinity, -Infinity]]}'
    )
    found = client.predict("m", {"x": np.array([[np.nan, np.inf, 0]], np.float32)})
    np.testing.assert_array_equal(found["y"], [[np.nan, np.inf, -np.inf]])
    assert server.requests[-1][2] == b'{"inputs":{"x":[[NaN,Infinity,0.0]]}}'


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"version": 3}, "/v1/models/m/versions/3"),
        ({"label": "a/b"}, "/v1/models/m/labels/a%2Fb"),
    ],
)
def test_versions_and_labels_are_parts_of_the_path(client, server, options, path):
    server.answers[f"{path}/metadata"] = server.answers["/v1/models/m/metadata"]
    server.answers[f"{path}:predict"] = {"outputs": [[0, 0, 0]]}
    client.predict("m", {"x": X}, **options)
    assert server.requests[-1][1] == f"{path}:predict"


def test_classify_and_regress(client, server):
    server.answers["/v1/models/m:classify"] = {
        "results": [[["a", 0.25], ["b", 0.75]], [["a", 1], ["b", 0]]]
    }
    found = client.classify(
        "m", [{"age": 1.5, "name": b"x"}, {}], context={"n": [1, 2]}
    )
    assert found.top() == [[("b", 0.75)], [("a", 1.0)]]
    assert body_of(server) == {
        "context": {"n": [1, 2]},
        "examples": [{"age": 1.5, "name": {"b64": "eA=="}}, {}],
    }
    server.answers["/v1/models/m:regress"] = {"results": [1.5, 2]}
    assert client.regress("m", [{"age": 1}, {}], signature="r").tolist() == [1.5, 2]
    assert body_of(server)["signature_name"] == "r"


def test_metadata_and_status(client):
    found = client.metadata("m")
    assert found.version == 3
    assert found.signatures["serving_default"].inputs["x"] == (
        "x",
        np.dtype("f4"),
        (-1, 3),
    )
    assert found.signatures["two"].outputs["a"].shape == ()
    three, two = client.status("m")
    assert (three.version, str(three.state), three.error) == (3, "AVAILABLE", None)
    assert isinstance(two.error, tfnative.NotFoundError)
    assert client.wait_until_ready("m") == 3


def test_what_the_api_does_not_have_is_refused(client):
    with pytest.raises(tfnative.UnimplementedError, match="no multi_inference"):
        client.multi_inference("m", [{}], {"a": "classify"})
    with pytest.raises(tfnative.UnimplementedError, match="no reload_config"):
        client.reload_config(serving.messages.ModelServerConfig())
    with pytest.raises(tfnative.UnimplementedError, match="no serialised examples"):
        client.classify("m", [b""])


# --- What goes wrong ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, tfnative.InvalidArgumentError),
        (403, tfnative.PermissionDeniedError),
        (404, tfnative.NotFoundError),
        (412, tfnative.FailedPreconditionError),
        (429, tfnative.UnavailableError),
        (500, tfnative.InternalError),
        (503, tfnative.UnavailableError),
        (504, tfnative.DeadlineExceededError),
    ],
)
def test_every_status_has_its_error_with_the_servers_words(
    client, server, status, kind
):
    server.answers[PREDICT] = lambda handler: handler.send_json(
        {"error": "the reason"}, status
    )
    with pytest.raises(kind, match="model 'm': the reason"):
        client.predict("m", {"x": X})


def half_a_response(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"outputs": [')
    handler.wfile.flush()
    handler.reset()


@pytest.mark.parametrize(
    ("answer", "kind", "match"),
    [
        (lambda h: h.send_text(b"<html>", 200, "text/html"), "Internal", "text/html"),
        (lambda h: h.send_text(b"oops", 502, "text/plain"), "Unavailable", "'oops'"),
        (lambda h: h.send_text(b""), "Internal", "expected JSON"),
        (lambda h: h.send_text(b"[1]"), "Internal", "expected 'outputs', got list"),
        (lambda h: h.send_json({}), "Internal", "expected 'outputs', got nothing"),
        (
            lambda h: h.send_json({"outputs": [["a"]]}),
            "Internal",
            "'y': expected float",
        ),
        (lambda h: h.send_json({"outputs": [[1], [1, 2]]}), "Internal", "'y'"),
        (lambda h: h.reset(), "Unavailable", "m"),
        (half_a_response, "Unavailable", "m"),
        (lambda h: h.send_text(b"x" * (1 << 21)), "ResourceExhausted", "more than"),
    ],
)
def test_responses_that_are_none_are_errors(server, answer, kind, match):
    server.answers[PREDICT] = answer
    for each in ("sync", "async"):
        client = Asked(each, server.address, retry=ONCE, max_message_bytes=1 << 20)
        with pytest.raises(getattr(tfnative, f"{kind}Error"), match=match):
            client.predict("m", {"x": X}, timeout=10)


def say_nothing(handler: Handler) -> None:
    time.sleep(3)


def trickle(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(30):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [say_nothing, trickle])
@pytest.mark.filterwarnings("ignore")
def test_a_slow_server_does_not_hold_up_longer_than_the_timeout(client, server, answer):
    server.answers[PREDICT] = answer
    start = time.monotonic()
    with pytest.raises(tfnative.DeadlineExceededError):
        client.predict("m", {"x": X}, timeout=0.4)
    assert time.monotonic() - start < 1.5


def test_a_server_that_is_not_there_is_unavailable(client, server):
    server.stop()
    with pytest.raises(tfnative.UnavailableError, match="localhost"):
        client.predict("m", {"x": X}, timeout=5)


def test_connections_are_used_again(server):
    server.answers[PREDICT] = {"outputs": [[0, 0, 0]]}
    with serving.Client(server.address) as client:
        for _ in range(20):
            client.predict("m", {"x": X})
        found = [request for request in server.requests if "metadata" in request[1]]
    assert len(found) == 1


def test_headers_are_sent(server):
    with serving.Client(server.address, metadata={"X-Who": "me"}) as client:
        client.status("m")
    assert server.requests[-1][3]["X-Who"] == "me"
