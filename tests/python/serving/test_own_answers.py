# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An answer that a server sent before it was asked is not taken for the next one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("httpx", reason="needs httpx")
pytest.importorskip("google.protobuf", reason="needs protobuf")
pytest.importorskip("grpc", reason="needs grpcio")

from tests.python.serving.rest_server import Handler, RestServer
from tfnative import errors, serving

X = np.array([[1, 2, 3]], np.float32)
PREDICT = "/v1/models/m:predict"
ONCE = serving.Retry(max_attempts=1)
WRONG = 99.0


def answer_of(value: float) -> bytes:
    body = json.dumps({"outputs": [[value] * 3]}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def whole(handler: Handler) -> None:
    handler.wfile.write(answer_of(1) + answer_of(WRONG))


def in_two(handler: Handler) -> None:
    handler.wfile.write(answer_of(1) + answer_of(WRONG)[:9])
    handler.wfile.flush()
    time.sleep(0.1)
    handler.wfile.write(answer_of(WRONG)[9:])


def later(handler: Handler) -> None:
    handler.wfile.write(answer_of(1))
    handler.wfile.flush()
    time.sleep(0.1)
    handler.wfile.write(answer_of(WRONG))


def of_one_byte(handler: Handler) -> None:
    handler.wfile.write(answer_of(1) + b"{")


EXTRA = [whole, in_two, later, of_one_byte]


@pytest.fixture
def server() -> Iterator[RestServer]:
    server = RestServer()
    yield server
    server.stop()


@pytest.fixture(params=EXTRA, ids=lambda each: each.__name__)
def chatty(request, server) -> RestServer:
    """Sends too much after its first answer only."""
    asked = 0

    def answer(handler: Handler) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            request.param(handler)
        else:
            handler.wfile.write(answer_of(asked))

    server.answers[PREDICT] = answer
    return server


def predict(address: str, kind: str, count: int, retry: serving.Retry) -> list[float]:
    """What each call said; NaN where it failed as if there were no server."""
    found = []

    async def ask() -> None:
        async with serving.AsyncClient(address, retry=retry) as client:
            for _ in range(count):
                try:
                    outputs = await client.predict("m", {"x": X})
                    found.append(float(outputs["y"][0, 0]))
                except errors.UnavailableError:
                    found.append(float("nan"))
                await asyncio.sleep(0.25)

    def ask_in_thread() -> None:
        with serving.Client(address, retry=retry) as client:
            for _ in range(count):
                try:
                    outputs = client.predict("m", {"x": X})
                    found.append(float(outputs["y"][0, 0]))
                except errors.UnavailableError:
                    found.append(float("nan"))
                time.sleep(0.25)

    if kind == "sync":
        ask_in_thread()
    else:
        asyncio.run(ask())
    return found


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_no_answer_is_that_to_another_request(chatty, kind):
    found = predict(chatty.address, kind, 3, ONCE)
    answered = [value for value in found if value == value]
    assert WRONG not in answered
    assert found[0] == 1
    assert len(answered) >= 2, found  # One is lost at most.
    assert answered == sorted(set(answered))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_who_tries_again_gets_the_right_one(chatty, kind):
    found = predict(chatty.address, kind, 2, serving.Retry(max_attempts=3))
    assert found[0] == 1
    assert found[1] in (2, 3)


def test_what_came_early_is_told(server):
    answers = iter([answer_of(1) + answer_of(WRONG), b""])
    server.answers[PREDICT] = lambda handler: handler.wfile.write(next(answers))
    with serving.Client(server.address, retry=ONCE) as client:
        client.predict("m", {"x": X})
        with pytest.raises(errors.UnavailableError, match="before it was asked"):
            client.predict("m", {"x": X})
