# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Requests that are none are answered in our own words, with the request's id."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest

from tests.python.serving.server.raw_http import RawClient
from tfnative.serving import messages
from tfnative.serving.grpc_form import MODEL, PREDICTION, spec_message
from tfnative.serving.types import ModelSpec

grpc = pytest.importorskip("grpc", reason="needs grpcio")
httpx = pytest.importorskip("httpx", reason="needs httpx")

ID = re.compile("[0-9a-f]{32}")
HEALTH = "/grpc.health.v1.Health/"
UNARY = [
    HEALTH + "Check",
    *(
        PREDICTION + name
        for name in (
            "Predict",
            "Classify",
            "Regress",
            "MultiInference",
            "GetModelMetadata",
        )
    ),
    MODEL + "GetModelStatus",
    MODEL + "HandleReloadConfigRequest",
]
SPEC = spec_message(ModelSpec("affine")).SerializeToString()
DAMAGED = [
    b"\xff",
    b"\x0a\x05a",  # Cut off.
    b"\x0a\x03\x0a\x01\xff",  # A model's name that is not in UTF-8.
    b"\x0a" + bytes([len(SPEC) + 9]) + SPEC,
    b"\x0b\x0a",  # A group that does not end.
]


@pytest.fixture
def channel(serve, settings):
    running = serve(settings, allow_reload_config=True)
    with grpc.insecure_channel(running.grpc) as channel:
        yield channel


def refused(call) -> str:
    with pytest.raises(grpc.RpcError) as raised:
        call()
    error = raised.value
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
    assert ID.fullmatch(dict(error.trailing_metadata())["x-request-id"])
    return str(error.details())


@pytest.mark.parametrize("method", UNARY)
def test_damaged_messages_are_told_in_our_words(channel, method):
    ask = channel.unary_unary(method)
    for request in [*DAMAGED, b"\x0a\x01\xff"]:
        if method == HEALTH + "Check" and request in DAMAGED[2:4]:
            continue  # The name of a model, as far as that method knows.
        said = refused(partial(ask, request, timeout=20))
        for foreign in ("protobuf", "pb2", "DecodeError", "class", "Exception", "tag"):
            assert foreign not in said
        assert "damaged" in said or "expected" in said or "message" in said, said


def test_a_damaged_message_to_a_method_that_streams(channel):
    call = channel.unary_stream(HEALTH + "Watch")
    said = refused(lambda: list(call(b"\xff", timeout=20)))
    assert said == "the request is damaged: it is no message of this method"


def test_a_reload_that_is_damaged_is_told_like_others(channel):
    method = channel.unary_unary(MODEL + "HandleReloadConfigRequest")
    assert "ReloadConfigRequest" in refused(lambda: method(b"\xff", timeout=20))
    assert messages.ReloadConfigRequest.DESCRIPTOR.name == "ReloadConfigRequest"


@pytest.fixture
def rest(serve, settings) -> str:
    return serve(settings).rest


BODY = json.dumps({"signature_name": "affine", "instances": [[1, 2, 3]]}).encode()
PREDICT = "/v1/models/affine:predict"


def read_json(client: RawClient) -> tuple[dict, str]:
    head, _, body = client.rest().partition(b"\r\n\r\n")
    return json.loads(body), head.decode().lower()


@pytest.mark.parametrize("origin", ["http://h", "HTTPS://[::1]:80", "http://u:p@h:1"])
def test_a_whole_url_is_taken_by_its_path(rest, origin):
    with RawClient(rest) as client:
        client.post(origin + PREDICT, BODY, "Connection: close", length=len(BODY))
        assert client.status() == 200
        assert read_json(client)[0] == {"predictions": [[4, 6, 8]]}
    for path, status in (("/livez?a=b", 200), ("/v1/models/affine", 200), ("", 400)):
        with RawClient(rest) as client:
            client.send(f"GET {origin}{path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            assert client.status() == status


def test_a_whole_url_needs_a_token_like_others(serve, settings, tmp_path):
    (tmp_path / "tokens").write_text("secret\n")
    rest = serve(settings, token_file=str(tmp_path / "tokens")).rest
    for path, status in ((PREDICT, 401), ("/v1/models/affine", 401), ("/livez", 200)):
        with RawClient(rest) as client:
            client.send(f"GET http://h{path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            assert client.status() == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", PREDICT, 405),
        ("DELETE", "/v1/models/affine", 405),
        ("OPTIONS", "/livez", 405),
        ("POST", "/metrics", 400),
        ("GET", "*", 404),
        ("OPTIONS", "*", 404),
        ("GET", "ftp://h/livez", 404),
        ("GET", "/nothing", 400),
        ("GET", "/v1/models/other", 404),
    ],
)
def test_what_is_not_there_is_told_as_json(rest, method, path, status):
    with RawClient(rest) as client:
        client.send(
            f"{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()
        )
        assert client.status() == status
        body, head = read_json(client)
    assert body.keys() == {"error"}
    assert "content-type: application/json" in head
    assert re.search("x-request-id: [0-9a-f]{32}", head)
    assert ("allow: " in head) == (status == 405)
