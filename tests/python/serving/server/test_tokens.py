# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server that asks for tokens answers those who have one, and health checks."""

from __future__ import annotations

import asyncio

import httpx
import numpy as np
import pytest

import tfnative
from tfnative import cli, serving
from tfnative.serving import grpc_form
from tfnative.serving.types import ModelSpec

grpc = pytest.importorskip("grpc", reason="needs grpcio")
health_pb2 = pytest.importorskip(
    "grpc_health.v1.health_pb2", reason="needs grpcio-health-checking"
)

X = np.ones((1, 3), np.float32)
ONCE = serving.Retry(max_attempts=1)
PREDICT = grpc_form.PREDICTION + "Predict"
REQUEST = grpc_form.predict_request(ModelSpec("affine"), {"x": X}, ())


@pytest.fixture
def tokens(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("first\nsecond\n")
    return file


@pytest.fixture
def running(serve, settings, tokens):
    return serve(settings, token_file=str(tokens))


def ask(address: str, token_file=None, **options):
    options = {"retry": ONCE, "timeout": 20, **options}
    with serving.Client(address, token_file=token_file, **options) as client:
        return client.predict("affine", {"x": X}, signature="affine")["y"].tolist()


async def ask_async(address: str, token_file=None):
    client = serving.AsyncClient(address, token_file=token_file, retry=ONCE, timeout=20)
    async with client:
        found = await client.predict("affine", {"x": X}, signature="affine")
        return found["y"].tolist()


@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_clients_with_a_token_are_answered_and_no_others(running, api, tmp_path):
    address = getattr(running, api)
    for token in ("first", "second"):
        (tmp_path / "mine").write_text(token)
        assert ask(address, tmp_path / "mine") == [[4, 4, 4]]
        assert asyncio.run(ask_async(address, tmp_path / "mine")) == [[4, 4, 4]]
        metadata = {"authorization": f"Bearer {token}"}
        assert ask(address, metadata=metadata) == [[4, 4, 4]]
    (tmp_path / "mine").write_text("firs")
    for mine in (None, tmp_path / "mine"):
        with pytest.raises(tfnative.PermissionDeniedError, match="token"):
            ask(address, mine)
        with pytest.raises(tfnative.PermissionDeniedError, match="token"):
            asyncio.run(ask_async(address, mine))


@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_tokens_are_exchanged_without_a_pause(running, api, tokens, tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("second")
    with serving.Client(
        getattr(running, api), token_file=mine, retry=ONCE, timeout=20
    ) as client:

        def works() -> bool:
            try:
                client.predict("affine", {"x": X}, signature="affine")
            except tfnative.PermissionDeniedError:
                return False
            return True

        assert works()
        tokens.write_text("third\nsecond\n")
        assert works()
        mine.write_text("third")
        assert works()
        tokens.write_text("third")
        assert works()
        tokens.write_text("two words")  # Is no token, so that the last one stays.
        assert works()
        mine.write_text("")
        assert works()
        mine.write_text("second")
        assert not works()


def test_over_grpc_the_status_is_unauthenticated(running):
    with grpc.insecure_channel(running.grpc) as channel:
        bearer = ("authorization", "Bearer first")
        for metadata in (
            [],
            [("authorization", "first")],
            [("authorization", "Basic first")],
            [("authorization", "Bearer wrong")],
            [bearer, bearer],
        ):
            for path in (
                PREDICT,
                "/tensorflow.serving.ModelService/GetModelStatus",
                "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
                "/nothing/Nothing",
            ):
                with pytest.raises(grpc.RpcError) as raised:
                    channel.unary_unary(path)(REQUEST, timeout=20, metadata=metadata)
                assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
                assert dict(raised.value.trailing_metadata())["x-request-id"]
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary("/nothing/Nothing")(b"", metadata=[bearer])
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_over_rest_the_status_is_401(running):
    with httpx.Client(base_url=running.rest, timeout=20) as client:
        good = ("Authorization", "Bearer first")
        for headers in ([], [("Authorization", "Bearer x")], [good, good]):
            for path in (
                "/v1/models/affine",
                "/v1/models/affine/metadata",
                "/v1/models/affine:predict",
                "/v1/models/affine%2Freadyz",
                "/v1/models/affine:predict?/readyz",
                "/v1/models/affine/versions/x/readyz",
                "/metrics",
                "/monitoring/prometheus/metrics",
                "/nothing",
                "//healthz",
                "/healthz/..",
            ):
                answer = client.get(path, headers=headers)
                assert answer.status_code == 401, path
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                assert answer.headers["x-request-id"]
                assert answer.json().keys() == {"error"}
        assert client.get("/metrics", headers=[good]).status_code == 200


def test_the_log_has_who_was_refused(running, caplog):
    with caplog.at_level("INFO", logger="tfnative.serving"):
        httpx.get(f"{running.rest}/v1/models/affine", headers={"X-Request-Id": "one"})
        metadata = [("x-request-id", "two")]
        with (
            grpc.insecure_channel(running.grpc) as channel,
            pytest.raises(grpc.RpcError),
        ):
            channel.unary_unary(PREDICT)(REQUEST, timeout=20, metadata=metadata)
    assert [record.getMessage() for record in caplog.records] == [
        "request one: GET /v1/models/affine: refused: no token that is known",
        "request two: a call over gRPC: refused: no token that is known",
    ]


def test_health_is_open_to_those_who_cannot_send_a_token(running):
    with httpx.Client(base_url=running.rest, timeout=20) as client:
        for path in ("/healthz", "/livez", "/readyz", "/v1/models/affine/readyz"):
            assert client.get(path).text == "ok"
    with grpc.insecure_channel(running.grpc) as channel:
        answer = channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=20)
        status = health_pb2.HealthCheckResponse.FromString(answer).status
        assert status == health_pb2.HealthCheckResponse.SERVING


def test_the_command_line_sends_a_token(running, tokens, capsys):
    for address in (running.grpc, running.rest):
        arguments = ["serving", "status", address, "affine"]
        assert cli.main([*arguments, "--token-file", str(tokens)]) == 0
        assert "AVAILABLE" in capsys.readouterr().out
        assert cli.main([*arguments, "--timeout", "10"]) == 1
        assert "token" in capsys.readouterr().err


def test_a_client_has_one_way_to_authorize_itself(tokens):
    with pytest.raises(tfnative.InvalidArgumentError, match="not both"):
        serving.Client(
            "localhost:1", token_file=tokens, metadata={"Authorization": "Bearer x"}
        )
    for kind in (serving.Client, serving.AsyncClient):
        for address in ("localhost:1", "http://localhost:1"):
            with pytest.raises(tfnative.NotFoundError, match="cannot read the tokens"):
                kind(address, token_file="/nowhere")


def test_a_server_without_its_tokens_does_not_start(serve, settings, tmp_path):
    with pytest.raises(tfnative.NotFoundError, match="cannot read the tokens"):
        serve(settings, token_file=str(tmp_path / "none"))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(tfnative.InvalidArgumentError, match="no token"):
        serve(settings, token_file=str(tmp_path / "empty"))
