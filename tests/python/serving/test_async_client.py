# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The client for coroutines asks as the other one does, and waits for nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

import tfnative

grpc = pytest.importorskip("grpc", reason="needs grpcio")
pytest.importorskip("httpx", reason="needs httpx")
pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api")

from tests.python.serving.official_server import fail_times, slow  # noqa: E402
from tfnative import serving  # noqa: E402
from tfnative.serving import messages  # noqa: E402

X = np.arange(6, dtype=np.float32).reshape(2, 3)
ONCE = serving.Retry(max_attempts=1)


def ask(
    address: Any,
    question: Callable[[serving.AsyncClient], Awaitable[Any]],
    **options: Any,
) -> Any:
    """Has a client in an event loop of its own."""

    async def run() -> Any:
        async with serving.AsyncClient(address, **options) as client:
            return await question(client)

    return asyncio.run(run())


def predict(client: serving.AsyncClient) -> Awaitable[Any]:
    return client.predict("scale", {"x": X})


def test_all_calls(server):
    rows = [{"age": 2.0}, {"age": 4.0}]

    async def questions(client: serving.AsyncClient) -> None:
        found = await client.predict("scale", {"x": X}, label="stable")
        np.testing.assert_array_equal(found["y"], X)
        assert (await client.classify("scale", rows)).top()[1] == [("old", 0.75)]
        assert (await client.regress("scale", rows)).tolist() == [4, 8]
        heads = await client.multi_inference("scale", rows, {"a": "regress"})
        assert heads["a"].tolist() == [2, 4]
        assert (await client.metadata("scale")).version == 2
        assert [each.version for each in await client.status("scale")] == [2, 1]
        assert await client.wait_until_ready("scale") == 2
        with pytest.raises(tfnative.InvalidArgumentError, match="no models"):
            await client.reload_config(messages.ModelServerConfig())

    ask(server.address, questions)


def test_many_calls_are_on_their_way_at_once(server):
    server.before = slow(0.3)

    async def questions(client: serving.AsyncClient) -> float:
        start = time.monotonic()
        asked = (client.predict("scale", {"x": X + i}) for i in range(16))
        for i, found in enumerate(await asyncio.gather(*asked)):
            np.testing.assert_array_equal(found["y"], 2 * (X + i))
        return time.monotonic() - start

    assert ask(server.address, questions) < 16 * 0.3 / 2


def test_what_the_server_says_is_raised(server):
    with pytest.raises(tfnative.NotFoundError, match=r"model 'other'.*not found"):
        ask(server.address, lambda client: client.predict("other", {"x": X}))


def test_a_busy_server_is_asked_again(server):
    server.before = fail_times(2, grpc.StatusCode.UNAVAILABLE)
    np.testing.assert_array_equal(ask(server.address, predict)["y"], 2 * X)
    assert len(server.calls) == 3


def test_a_slow_server_does_not_hold_up_longer_than_the_timeout(server):
    server.before = slow(3)
    start = time.monotonic()
    with pytest.raises(tfnative.DeadlineExceededError):
        ask(server.address, predict, timeout=0.2)
    assert time.monotonic() - start < 1.5


def test_a_task_that_is_cancelled_takes_its_call_back(server):
    gone: list[bool] = []

    def wait(context: Any) -> None:
        until = time.monotonic() + 10
        while context.is_active() and time.monotonic() < until:
            time.sleep(0.01)
        gone.append(not context.is_active())

    server.before = wait

    async def question(client: serving.AsyncClient) -> None:
        task = asyncio.ensure_future(predict(client))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    ask(server.address, question)
    until = time.monotonic() + 10
    while not gone and time.monotonic() < until:
        time.sleep(0.01)
    assert gone == [True]


def test_a_slow_answer_is_overtaken(server, other):
    server.before = slow(2)
    start = time.monotonic()
    hedge = serving.Hedge(delay_seconds=0.05)
    found = ask([server.address, other.address], predict, hedge=hedge)
    np.testing.assert_array_equal(found["y"], 2 * X)
    assert time.monotonic() - start < 1.5
    assert len(server.calls) == len(other.calls) == 1


def test_if_all_of_the_calls_fail_the_error_is_raised(server, other):
    for each in (server, other):
        each.before = fail_times(9, grpc.StatusCode.UNAVAILABLE)
    hedge = serving.Hedge(delay_seconds=0.01)
    with pytest.raises(tfnative.UnavailableError, match="not now"):
        ask([server.address, other.address], predict, hedge=hedge, retry=ONCE)


def test_an_address_that_fails_is_given_up_for_a_while(server):
    server.before = fail_times(1, grpc.StatusCode.UNAVAILABLE)

    async def questions(client: serving.AsyncClient) -> None:
        with pytest.raises(tfnative.UnavailableError, match="not now"):
            await predict(client)
        with pytest.raises(tfnative.UnavailableError, match="given up for now"):
            await predict(client)
        await asyncio.sleep(0.25)
        await predict(client)

    breaker = serving.Breaker(failures=1, seconds=0.2)
    ask(server.address, questions, retry=ONCE, breaker=breaker)


@pytest.mark.parametrize("was_used", [True, False])
def test_a_closed_client_says_so(server, was_used):
    async def question(client: serving.AsyncClient) -> None:
        if was_used:
            await predict(client)
        await client.close()
        with pytest.raises(tfnative.FailedPreconditionError, match="closed"):
            await predict(client)

    ask(server.address, question)


def test_waiting_until_a_version_is_ready_ends_in_time(server):
    server.states = {1: 20}

    async def question(client: serving.AsyncClient) -> None:
        with pytest.raises(tfnative.DeadlineExceededError, match="1 LOADING"):
            await client.wait_until_ready("scale", timeout=0.5)

    ask(server.address, question)
