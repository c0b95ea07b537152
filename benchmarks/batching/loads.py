# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Callers in a closed loop: each sends a request, and the next one after its answer.

A server is asked in its own way: by threads that wait, by coroutines, or by one thread
that is called back.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from benchmarks.batching.rounds import Round
from benchmarks.contestants import Arrays, Predict

T = TypeVar("T")
PredictAsync = Callable[[Arrays], Awaitable[Arrays]]
Submit = Callable[[Arrays, Callable[[Arrays], None]], object]
"""Takes a request, and what to call with its answer."""


class Server(Protocol):
    """What answers requests."""

    def ask_all(self, requests: Sequence[Arrays]) -> list[Arrays]:
        """Sends all at once; their answers, in order."""

    def keep_busy(
        self, requests: Sequence[Arrays], callers: int, seconds: float
    ) -> Round:
        """Has so many requests on their way, for so long, and until all are done.

        Caller i sends request i again and again; if there are fewer, they are shared.
        """


@dataclass(frozen=True)
class ThreadServer:
    """A function that many threads call at once, and wait for."""

    predict: Predict

    def ask_all(self, requests: Sequence[Arrays]) -> list[Arrays]:
        """As ``Server.ask_all``."""
        with ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(self.predict, requests))

    def keep_busy(
        self, requests: Sequence[Arrays], callers: int, seconds: float
    ) -> Round:
        """As ``Server.keep_busy``."""
        ready = threading.Barrier(callers + 1)

        def work(request: Arrays) -> list[float]:
            ready.wait()
            micros, start = [], time.perf_counter()
            until = start + seconds
            while start < until:
                self.predict(request)
                end = time.perf_counter()
                micros.append((end - start) * 1e6)
                start = end
            return micros

        with ThreadPoolExecutor(callers) as pool:
            chosen = itertools.islice(itertools.cycle(requests), callers)
            futures = [pool.submit(work, request) for request in chosen]
            ready.wait()
            watch = _Watch()
            micros = [future.result() for future in futures]
            return watch.round(requests, micros)


class TaskServer:
    """A coroutine function, made and called in an event loop of its own.

    Args:
        start: Returns the function. Is awaited in the loop.
    """

    def __init__(self, start: Callable[[], Awaitable[PredictAsync]]) -> None:
        self._loop = asyncio.new_event_loop()
        self._predict = self._run(start())

    def ask_all(self, requests: Sequence[Arrays]) -> list[Arrays]:
        """As ``Server.ask_all``."""

        async def ask() -> list[Arrays]:
            return await asyncio.gather(*map(self._predict, requests))

        return self._run(ask())

    def keep_busy(
        self, requests: Sequence[Arrays], callers: int, seconds: float
    ) -> Round:
        """As ``Server.keep_busy``."""

        async def work(request: Arrays, until: float) -> list[float]:
            micros, start = [], time.perf_counter()
            while start < until:
                await self._predict(request)
                end = time.perf_counter()
                micros.append((end - start) * 1e6)
                start = end
            return micros

        async def work_all() -> Round:
            watch = _Watch()
            until = time.perf_counter() + seconds
            chosen = itertools.islice(itertools.cycle(requests), callers)
            micros = await asyncio.gather(*(work(one, until) for one in chosen))
            return watch.round(requests, micros)

        return self._run(work_all())

    def close(self) -> None:
        """Ends the tasks that were left, and the loop."""

        async def end() -> None:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        self._run(end())
        self._loop.close()

    def _run(self, awaitable: Awaitable[T]) -> T:
        async def run() -> T:
            return await awaitable

        return self._loop.run_until_complete(run())


@dataclass(frozen=True)
class JobServer:
    """A function that one thread calls, and that calls back from any thread."""

    submit: Submit

    def ask_all(self, requests: Sequence[Arrays]) -> list[Arrays]:
        """As ``Server.ask_all``."""
        answers: dict[int, Arrays] = {}
        answered = threading.Semaphore(0)

        def send(number: int) -> None:
            def on_done(answer: Arrays) -> None:
                answers[number] = answer
                answered.release()

            self.submit(requests[number], on_done)

        for number in range(len(requests)):
            send(number)
        for _ in requests:
            answered.acquire()
        return [answers[number] for number in range(len(requests))]

    def keep_busy(
        self, requests: Sequence[Arrays], callers: int, seconds: float
    ) -> Round:
        """As ``Server.keep_busy``."""
        free = threading.Semaphore(callers)
        micros: list[float] = []

        def send(request: Arrays, start: float) -> None:
            def on_done(_: Arrays) -> None:
                micros.append((time.perf_counter() - start) * 1e6)
                free.release()

            self.submit(request, on_done)

        watch = _Watch()
        until = time.perf_counter() + seconds
        for request in itertools.cycle(requests):
            free.acquire()
            start = time.perf_counter()
            if start >= until:
                break
            send(request, start)
        for _ in range(callers - 1):
            free.acquire()
        return watch.round(requests, [micros])


def rows_of(request: Arrays) -> int:
    """How many rows a request has."""
    return len(next(iter(request.values())))


class _Watch:
    """Time and processor time since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._cpu_start = time.process_time()

    def round(
        self, requests: Sequence[Arrays], micros: Sequence[Sequence[float]]
    ) -> Round:
        """What came about meanwhile, from the latencies of each caller."""
        seconds = time.perf_counter() - self._start
        cpu_seconds = time.process_time() - self._cpu_start
        latencies = [latency for some in micros for latency in some]
        rows = len(latencies) * rows_of(requests[0])
        return Round.of(rows, seconds, cpu_seconds, latencies)
