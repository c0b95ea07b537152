# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Calls are sent again, or once more, as often as was said, with asyncio or without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import tfnative
from tfnative.serving.async_attempts import AsyncAttempts
from tfnative.serving.attempts import Attempts
from tfnative.serving.endpoints import Endpoint, Endpoints
from tfnative.serving.options import Breaker, Hedge, Options, Retry

GONE = tfnative.UnavailableError("gone")
NO = tfnative.NotFoundError("no")
QUICKLY = {"initial_delay_seconds": 0.001, "max_delay_seconds": 0.001}
CALL: Any = None
SLOW = 0.4
"""Seconds of an answer that others overtake."""


class Server:
    """Gives answers one after the other, each after a while; errors are raised."""

    def __init__(self, pool: ThreadPoolExecutor, *answers: tuple[float, Any]) -> None:
        self._pool = pool
        self._answers = iter(answers)
        self.asked = 0

    def _next(self) -> tuple[float, Any]:
        self.asked += 1
        return next(self._answers)

    def call(self, _: Any, timeout: float | None) -> Any:
        return given(*self._next())

    def start(self, _: Any, timeout: float | None) -> Future[Any]:
        return self._pool.submit(given, *self._next())

    def close(self) -> None:
        pass


class AsyncServer(Server):
    """The same for an event loop."""

    async def call(self, _: Any, timeout: float | None) -> Any:
        seconds, answer = self._next()
        await asyncio.sleep(seconds)
        return given(0, answer)


def given(seconds: float, answer: Any) -> Any:
    time.sleep(seconds)
    if isinstance(answer, BaseException):
        raise answer
    return answer


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as found:
        yield found


class Asked:
    """Some servers, and what came of asking them."""

    def __init__(self, kind: str, pool: ThreadPoolExecutor) -> None:
        self._is_async = kind == "async"
        self._pool = pool

    def __call__(self, *servers: list[tuple[float, Any]], **options: Any) -> Any:
        of_kind = AsyncServer if self._is_async else Server
        self.servers = [of_kind(self._pool, *answers) for answers in servers]
        endpoints: Any = Endpoints(
            [
                Endpoint(str(number), server, Breaker(failures=0))
                for number, server in enumerate(self.servers)
            ]
        )
        began = time.monotonic()
        try:
            if self._is_async:
                attempts = AsyncAttempts(endpoints, Options(**options))
                return asyncio.run(self._run(attempts))
            return Attempts(endpoints, Options(**options)).run(CALL, None)
        finally:
            self.seconds = time.monotonic() - began
            self.counts = [server.asked for server in self.servers]
            self.open = [endpoint.calls for endpoint in endpoints]

    @staticmethod
    async def _run(attempts: AsyncAttempts) -> Any:
        try:
            return await attempts.run(CALL, None)
        finally:
            await asyncio.sleep(0)  # Lets those end that were cancelled.


@pytest.fixture(params=["sync", "async"])
def ask(request, pool) -> Asked:
    return Asked(request.param, pool)


@pytest.mark.parametrize("most", [1, 2, 4])
def test_an_address_that_is_gone_is_asked_as_often_as_was_said(ask, most):
    retry = Retry(max_attempts=most, **QUICKLY)
    with pytest.raises(tfnative.UnavailableError, match="gone"):
        ask([(0, GONE)] * 9, retry=retry)
    assert ask.counts == [most]
    assert ask([(0, GONE)] * (most - 1) + [(0, "answer")], retry=retry) == "answer"


def test_other_addresses_are_asked_first(ask):
    retry = Retry(max_attempts=3, **QUICKLY)
    found = ask([(0, GONE)], [(0, GONE)], [(0, "answer")], retry=retry)
    assert found == "answer"
    assert ask.counts == [1, 1, 1]


@pytest.mark.parametrize("hedge", [None, Hedge(60)])
def test_what_is_an_answer_is_not_asked_again(ask, hedge):
    with pytest.raises(tfnative.NotFoundError):
        ask([(0, NO)] * 9, hedge=hedge, retry=Retry(max_attempts=3, **QUICKLY))
    assert ask.counts == [1]


@pytest.mark.parametrize("most", [2, 3])
def test_so_many_calls_are_on_their_way_at_most(ask, most):
    hedge = Hedge(0.01, max_calls=most)
    servers = [[(SLOW, "answer")] for _ in range(5)]
    assert ask(*servers, hedge=hedge) == "answer"
    assert ask.counts == [1] * most + [0] * (5 - most)
    assert ask.open == [0] * 5


def test_the_first_answer_counts(ask):
    assert ask([(SLOW, "late")], [(0, "soon")], hedge=Hedge(0.01)) == "soon"
    assert ask.seconds < SLOW
    assert ask.counts == [1, 1]


def test_a_call_that_is_answered_soon_is_not_sent_twice(ask):
    assert ask([(0, "soon")], [(0, "other")], hedge=Hedge(60)) == "soon"
    assert ask.seconds < 30
    assert ask.counts == [1, 0]


def test_where_one_is_gone_the_next_is_asked_at_once(ask):
    found = ask([(0, GONE)], [(0, "other")], hedge=Hedge(60))
    assert found == "other"
    assert ask.seconds < 30


@pytest.mark.parametrize(("gone", "delay"), [(0, 60), (SLOW / 2, 0.01)])
def test_a_call_that_failed_counts_among_those_that_were_sent(ask, gone, delay):
    servers = [[(gone, GONE)], [(SLOW, "late")], [(0, "third")]]
    assert ask(*servers, hedge=Hedge(delay)) == "late"
    assert ask.counts == [1, 1, 0]


@pytest.mark.parametrize("attempts", [1, 2])
def test_where_all_are_gone_it_is_said_after_all_attempts(ask, attempts):
    servers = [[(0, GONE)] * 9, [(0, GONE)] * 9]
    retry = Retry(max_attempts=attempts, **QUICKLY)
    with pytest.raises(tfnative.UnavailableError, match="gone"):
        ask(*servers, hedge=Hedge(0.01), retry=retry)
    assert ask.counts == [attempts, attempts]
    assert ask.open == [0, 0]
