# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers around a request act in order: counting, naming, asking for tokens, limits."""

from __future__ import annotations

import json
import logging
import re

import httpx
import numpy as np
import pytest

import tfnative
from tests.python.serving.server.odd_models import Odd
from tests.python.serving.server.raw_http import RawClient
from tfnative.serving import grpc_form
from tfnative.serving.server.limits import RequestLimits
from tfnative.serving.types import ModelSpec

grpc = pytest.importorskip("grpc", reason="needs grpcio")

ID = re.compile("[0-9a-f]{32}")
PREDICT = "/v1/models/affine:predict"
METHOD = grpc_form.PREDICTION + "Predict"
BODY = json.dumps({"signature_name": "affine", "instances": [[1, 2, 3]]}).encode()
REQUEST = grpc_form.predict_request(
    ModelSpec("affine", signature="affine"), {"x": np.ones((1, 3), np.float32)}, ()
)


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens"
    path.write_text("secret\n")
    return str(path)


def test_who_sends_no_token_is_refused_before_the_body_comes(serve, settings, tokens):
    server = serve(settings, token_file=tokens)
    for length in (len(BODY), 10**12):
        with RawClient(server.rest) as client:
            client.post(PREDICT, b"", length=length)
            assert client.status() == 401
    assert server.server.service.budget.held == 0


@pytest.mark.parametrize(
    ("body", "encoding", "status", "said"),
    [
        (b" " * 2001, "identity", 413, "more than 2000 bytes"),
        (BODY, "gzip", 400, "no gzip data"),
        (BODY, "/srv/br", 415, "/srv/br"),
        (b'{"instances": [[1e99, 2, 3]]}', "identity", 400, ""),
    ],
)
def test_what_the_limits_refuse_has_an_id_and_one_line(
    serve, settings, caplog, body, encoding, status, said
):
    caplog.set_level(logging.INFO, "tfnative.serving")
    server = serve(settings, limits=RequestLimits(2000, 5000))
    headers = {"content-encoding": encoding, "x-request-id": "mine"}
    answer = httpx.post(server.rest + PREDICT, content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["x-request-id"] == "mine"
    assert said in answer.json()["error"]
    (record,) = [r for r in caplog.records if "mine" in r.getMessage()]
    assert record.levelno == logging.INFO


def test_what_comes_beyond_the_limits_is_told_when_to_try_again(serve, settings):
    server = serve(settings, limits=RequestLimits(2000, 2000))
    with server.server.service.budget.share() as share:
        share.grow(2000)
        answer = httpx.post(server.rest + PREDICT, content=BODY)
        with (
            grpc.insecure_channel(server.grpc) as channel,
            pytest.raises(grpc.RpcError, match="try again") as refused,
        ):
            channel.unary_unary(METHOD)(REQUEST, timeout=20)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert ID.fullmatch(answer.headers["x-request-id"])
    assert refused.value.code().name == "RESOURCE_EXHAUSTED"
    assert ID.fullmatch(dict(refused.value.trailing_metadata())["x-request-id"])


def test_what_a_stopping_server_sends_away_has_an_id(serve, settings):
    server = serve(settings)
    server.server._drain.is_stopping = server.server._drain.is_refusing = True
    answer = httpx.post(server.rest + PREDICT, content=BODY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.headers["connection"] == "close"
    assert answer.json() == {"error": "the server is stopping"}
    assert ID.fullmatch(answer.headers["x-request-id"])
    with (
        grpc.insecure_channel(server.grpc) as channel,
        pytest.raises(grpc.RpcError, match="the server is stopping") as refused,
    ):
        channel.unary_unary(METHOD)(REQUEST, timeout=20)
    assert refused.value.code().name == "UNAVAILABLE"
    assert ID.fullmatch(dict(refused.value.trailing_metadata())["x-request-id"])


@pytest.mark.parametrize("rows", [1, 20_000, 500_000])
@pytest.mark.parametrize("error", [SystemExit(3), StopIteration(), KeyboardInterrupt()])
def test_a_model_that_ends_the_process_does_not_in_any_lane(
    serve, settings, caplog, rows, error
):
    caplog.set_level(logging.CRITICAL, "tfnative.serving")
    server = serve(settings)
    served = server.server.service.models["affine"]
    model = Odd(error)
    served.find = lambda spec: (1, model)
    x = np.zeros((rows, 3), np.float32)
    with (
        tfnative.serving.Client(server.grpc) as client,
        pytest.raises(tfnative.InternalError, match="the server failed"),
    ):
        client.predict("affine", {"x": x})
    del served.find
    assert httpx.post(server.rest + PREDICT, content=BODY).status_code == 200
