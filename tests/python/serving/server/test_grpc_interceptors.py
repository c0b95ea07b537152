# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A call over gRPC needs a token, one and no more, unless it asks for health."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

grpc = pytest.importorskip("grpc", reason="needs grpcio")

from tfnative.serving.server.grpc_interceptors import HEALTH, Tokens  # noqa: E402
from tfnative.serving.token_file import TokenFile  # noqa: E402

PREDICT = "/tensorflow.serving.PredictionService/Predict"
GOOD, OTHER = ("authorization", "Bearer secret"), ("authorization", "Bearer other")


@pytest.mark.parametrize(
    ("method", "given", "is_let_in"),
    [
        (PREDICT, [GOOD], True),
        (PREDICT, [("x", "y"), GOOD], True),
        (PREDICT, [], False),
        (PREDICT, [OTHER], False),
        (PREDICT, [GOOD, OTHER], False),
        (PREDICT, [GOOD, GOOD], False),
        (PREDICT, [("x", "Bearer secret")], False),
        (HEALTH + "Check", [], True),
        (HEALTH + "Check", [OTHER], True),
    ],
)
def test_who_is_let_in(tmp_path, method, given, is_let_in):
    file = tmp_path / "tokens"
    file.write_text("secret\n")
    handler = object()

    async def go_on(_: Any) -> Any:
        return handler

    details = SimpleNamespace(method=method, invocation_metadata=given)
    tokens = Tokens(TokenFile(file))
    found = asyncio.run(tokens.intercept_service(go_on, details))
    assert (found is handler) == is_let_in


@pytest.mark.parametrize(
    ("method", "code"),
    [(PREDICT, "UNAUTHENTICATED"), ("/a.B/C", "UNIMPLEMENTED")],
)
def test_who_is_refused_is_so_before_the_message(
    serve, settings, tmp_path, method, code
):
    (tmp_path / "tokens").write_text("secret\n")
    needs_token = code == "UNAUTHENTICATED"
    options = {"token_file": str(tmp_path / "tokens")} if needs_token else {}
    address = serve(settings, **options).grpc
    ended = threading.Event()

    def never() -> Iterator[bytes]:
        ended.wait()
        yield b""

    with grpc.insecure_channel(address) as channel:
        with pytest.raises(grpc.RpcError) as raised:
            channel.stream_unary(method)(never(), timeout=20)
        ended.set()
        assert raised.value.code().name == code
        metadata = dict(raised.value.trailing_metadata())
        assert len(metadata["x-request-id"]) == 32
        with pytest.raises(grpc.RpcError) as raised:  # As clients ask.
            channel.unary_unary(method)(b"a" * (8 << 20), timeout=20)
        assert raised.value.code().name == code
