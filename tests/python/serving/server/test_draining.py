# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A server that is told to end answers what it has, and loses no request silently."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import grpc
import numpy as np
import pytest

import tfnative
from tests.python.conftest import NAP, build_fake, manifest
from tests.python.serving.server.served_process import ServedProcess
from tfnative.serving.grpc_form import predict_request, read_predict_response
from tfnative.serving.server.draining import LAST_CALL_SECONDS, Drain
from tfnative.serving.types import ModelSpec

PREDICT = "/tensorflow.serving.PredictionService/Predict"
URL = "/v1/models/affine:predict"
NAP_SECONDS = 2
STUCK_SECONDS = 60
Start = Callable[..., ServedProcess]


def request_for(value: float) -> bytes:
    x = np.full((1, 3), value, np.float32)
    return predict_request(ModelSpec("affine", signature="affine"), {"x": x})


def ask_grpc(server: ServedProcess, value: float) -> list[float] | str:
    """The answer, or the name of the status."""
    with grpc.insecure_channel(server.grpc) as channel:
        try:
            response = channel.unary_unary(PREDICT)(request_for(value), timeout=30)
        except grpc.RpcError as error:
            return str(error.code().name)
        return list(read_predict_response(response, "it")["y"][0])


def ask_rest(server: ServedProcess, value: float) -> tuple[int, str | None, object]:
    """The status, what it says of the connection, and the answer."""
    connection = HTTPConnection("localhost", server.rest_port, timeout=30)
    body = {"signature_name": "affine", "instances": [[value] * 3]}
    connection.request("POST", URL, json.dumps(body))
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, response.getheader("connection"), answer


@pytest.fixture(scope="module")
def napping(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Models by how long a call of theirs takes, if it asks for that."""
    found = {}
    for seconds in (NAP_SECONDS, STUCK_SECONDS):
        folder = tmp_path_factory.mktemp("napping") / "affine"
        version = folder / "1"
        version.mkdir(parents=True)
        build_fake(version, json.dumps(manifest()), nap_seconds=seconds)
        found[seconds] = folder
    return found


@pytest.fixture
def start(napping: dict[int, Path]) -> Iterator[Start]:
    started: list[ServedProcess] = []

    def start(seconds: int, *arguments: str) -> ServedProcess:
        started.append(ServedProcess(str(napping[seconds]), *arguments))
        return started[-1]

    yield start
    for server in started:
        server.kill()


class Asking:
    """Asks in threads; gives what each got."""

    def __init__(self, *calls: Callable[[], object]) -> None:
        self.found: list[object] = [None] * len(calls)
        self._threads = [
            threading.Thread(target=self._run, args=each) for each in enumerate(calls)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int, call: Callable[[], object]) -> None:
        self.found[number] = call()

    def join(self) -> list[object]:
        for thread in self._threads:
            thread.join()
        return self.found


@pytest.mark.slow
def test_calls_at_the_moment_of_the_signal_are_answered_or_unavailable(start):
    """Without retries: nothing is CANCELLED, whenever the call was sent."""
    codes: Counter[str] = Counter()
    for _ in range(3):
        server = start(NAP_SECONDS)
        is_over = threading.Event()

        def client(server: ServedProcess = server, is_over: object = is_over) -> None:
            with grpc.insecure_channel(server.grpc) as channel:
                call = channel.unary_unary(PREDICT)
                for value in range(1000000):
                    if is_over.is_set() or value == NAP:
                        continue
                    try:
                        response = call(request_for(value), timeout=30)
                    except grpc.RpcError as error:
                        codes[error.code().name] += 1
                    else:
                        found = read_predict_response(response, "it")["y"][0]
                        codes["OK" if set(found) == {2 * value + 1} else "wrong"] += 1

        asking = Asking(*[client] * 16)
        time.sleep(0.5)
        server.tell()
        assert server.wait() == 0
        is_over.set()
        asking.join()
    assert codes.keys() == {"OK", "UNAVAILABLE"}, codes


def test_new_requests_are_sent_away_while_others_are_answered(start):
    server = start(NAP_SECONDS)
    asking = Asking(lambda: ask_grpc(server, NAP), lambda: ask_rest(server, NAP))
    time.sleep(0.5)
    server.tell()
    time.sleep(0.5)
    assert ask_grpc(server, 1) == "UNAVAILABLE"
    status, connection, answer = ask_rest(server, 1)
    assert (status, connection) == (503, "close")
    assert answer == {"error": "the server is stopping"}
    expected = [2 * NAP + 1] * 3
    assert asking.join() == [expected, (200, "close", {"predictions": [expected]})]
    assert server.wait() == 0


def test_what_is_not_answered_in_time_is_unavailable_and_the_server_leaves(start):
    server = start(STUCK_SECONDS, "--drain-seconds=0.5")
    asking = Asking(lambda: ask_grpc(server, NAP), lambda: ask_rest(server, NAP))
    time.sleep(0.5)
    server.tell()
    assert server.wait(STUCK_SECONDS / 2) == 0
    message = {"error": "the server is stopping, and had no time to answer"}
    assert asking.join() == ["UNAVAILABLE", (503, "close", message)]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_at_the_second_signal_it_leaves_at_once(start, second):
    server = start(STUCK_SECONDS)
    asking = Asking(lambda: ask_grpc(server, NAP))
    time.sleep(0.5)
    server.tell()
    time.sleep(0.5)
    server.tell(second)
    assert server.wait(STUCK_SECONDS / 2) == 128 + second
    assert asking.join() == ["UNAVAILABLE"]


def test_health_and_metrics_are_there_until_the_end(start):
    server = start(NAP_SECONDS)
    assert ask_grpc(server, 1) == [3, 3, 3]
    asking = Asking(lambda: ask_grpc(server, NAP))
    time.sleep(0.5)
    server.tell()
    time.sleep(0.5)
    connection = HTTPConnection("localhost", server.rest_port, timeout=30)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    assert response.status == 200
    assert b"request_count" in response.read()
    connection.close()
    assert asking.join() == [[2 * NAP + 1] * 3]
    assert server.wait() == 0


# --- What counts the requests, by itself ----------------------------------------------


async def answer(drain: Drain, seconds: float) -> str:
    """Answers a request, as the APIs do."""
    drain.begin()
    try:
        with drain.limited():
            await asyncio.sleep(seconds)
            return "answered"
    except tfnative.UnavailableError as error:
        return str(error)
    finally:
        drain.end()


async def drained(
    limit: float, *requests: float
) -> tuple[int, float, float, list[str]]:
    """What a drain gave, how long it took and had left, and the answers."""
    drain = Drain()
    tasks = [asyncio.ensure_future(answer(drain, seconds)) for seconds in requests]
    await asyncio.sleep(0)
    assert drain.seconds_left() == 0
    assert not drain.is_stopping
    began = time.monotonic()
    unanswered = await drain.finish(limit)
    taken, left = time.monotonic() - began, drain.seconds_left()
    assert drain.is_stopping
    with pytest.raises(tfnative.UnavailableError, match="stopping"):
        drain.begin()
    return unanswered, taken, left, await asyncio.gather(*tasks)


@pytest.mark.parametrize("requests", [[], [0], [0.2, 0.3]])
def test_it_is_over_once_all_are_answered(requests):
    unanswered, taken, left, answers = asyncio.run(drained(60, *requests))
    assert unanswered == 0
    assert answers == ["answered"] * len(requests)
    assert max([LAST_CALL_SECONDS, *requests]) - 0.05 <= taken < 20
    assert left > 0


def test_it_is_over_when_the_time_is_up():
    unanswered, taken, left, answers = asyncio.run(drained(0.3, 0.1, 60))
    assert unanswered == 1
    assert answers[0] == "answered"
    assert "had no time to answer" in answers[1]
    assert 0.25 <= taken < 20
    assert left == 0


def test_requests_are_taken_a_moment_longer():
    async def run() -> str:
        drain = Drain()
        ending = asyncio.ensure_future(drain.finish(60))
        await asyncio.sleep(0)
        assert drain.is_stopping
        said = await answer(drain, 0.0)
        await ending
        return said

    assert asyncio.run(run()) == "answered"
