# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Callers in a closed loop, and what they find, with servers that are made up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from benchmarks.batching import rounds, worker
from benchmarks.batching.loads import JobServer, Server, TaskServer, ThreadServer
from benchmarks.batching.rounds import Round
from benchmarks.batching.servers import Batching, predict_many
from benchmarks.batching.servers.asyncio_loop import BatchingLoop
from benchmarks.contestants import Arrays

REQUESTS = [{"x": np.full((1, 2), i, np.float32)} for i in range(5)]
CALLERS = 3
SECONDS = 0.05


class Double:
    """Doubles numbers, and counts how many requests it has at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.running = self.most = self.calls = 0

    def enter(self) -> None:
        with self._lock:
            self.running += 1
            self.calls += 1
            self.most = max(self.most, self.running)

    def leave(self, request: Arrays) -> Arrays:
        with self._lock:
            self.running -= 1
        return {"y": 2 * request["x"]}

    def predict(self, request: Arrays) -> Arrays:
        self.enter()
        time.sleep(0.001)
        return self.leave(request)

    async def predict_async(self, request: Arrays) -> Arrays:
        self.enter()
        await asyncio.sleep(0.001)
        return self.leave(request)


@contextmanager
def tasks(predict: Callable[..., object]) -> Iterator[TaskServer]:
    async def start() -> Callable[..., object]:
        return predict

    with closing(TaskServer(start)) as server:
        yield server


@contextmanager
def jobs(double: Double) -> Iterator[JobServer]:
    def submit(request: Arrays, on_done: Callable[[Arrays], None]) -> None:
        double.enter()

        def work() -> None:
            time.sleep(0.001)
            on_done(double.leave(request))

        pool.submit(work)

    with ThreadPoolExecutor(8) as pool:
        yield JobServer(submit)


START = {
    "threads": lambda double: nullcontext(ThreadServer(double.predict)),
    "tasks": lambda double: tasks(double.predict_async),
    "jobs": jobs,
}


@pytest.fixture
def double() -> Double:
    return Double()


@pytest.fixture(params=START)
def server(request: pytest.FixtureRequest, double: Double) -> Iterator[Server]:
    with START[request.param](double) as server:
        yield server


def test_answers_are_in_the_order_of_their_requests(server: Server):
    answers = server.ask_all(REQUESTS)
    assert [answer["y"][0, 0] for answer in answers] == [0, 2, 4, 6, 8]


def test_there_are_as_many_requests_on_their_way_as_callers(
    server: Server, double: Double
):
    found = server.keep_busy(REQUESTS, CALLERS, SECONDS)
    assert (double.most, double.running) == (CALLERS, 0)
    assert found.rows == double.calls >= CALLERS
    assert found.seconds >= SECONDS
    assert 1000 <= found.p50_micros <= found.p99_micros
    assert found.cpu_seconds < found.seconds * 4


def test_requests_of_several_rows_count_as_rows():
    server = ThreadServer(lambda request: request)
    found = server.keep_busy([{"x": np.zeros((7, 2))}], 1, 0.001)
    assert found.rows > 0
    assert found.rows % 7 == 0


def test_what_a_caller_meets_is_not_hidden():
    def fail(request: Arrays) -> Arrays:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        ThreadServer(fail).keep_busy(REQUESTS, CALLERS, SECONDS)


def test_a_round_knows_its_percentiles():
    found = Round.of(rows=200, seconds=2.0, cpu_seconds=1.0, micros=range(101))
    assert (found.p50_micros, found.p99_micros) == (50, 99)
    assert found.rows_per_second == 100
    assert found.micros_per_row == 10_000
    assert found.cpu_micros_per_row == 5_000


def test_ratios_are_taken_within_rounds():
    def of(*rows: int) -> list[Round]:
        return [Round(n, 1.0, 0.0, 0.0, 0.0) for n in rows]

    # A slow round is slow for both.
    fast, slow = of(100, 10, 80), of(50, 5, 40)
    assert rounds.ratio(fast, slow, "rows_per_second") == 2
    assert rounds.difference(fast, slow, "rows_per_second") == 40
    assert rounds.median(fast, "rows_per_second") == 80
    assert rounds.ratio([], slow, "rows_per_second") is None
    assert rounds.difference(fast, [], "rows_per_second") is None
    assert rounds.median([], "rows_per_second") is None


def test_requests_are_predicted_together_and_told_apart():
    seen = []

    def predict(inputs: Arrays) -> Arrays:
        seen.append(inputs["x"].shape)
        return {"y": 2 * inputs["x"]}

    answers = predict_many(predict, REQUESTS)
    assert seen == [(5, 2)]
    assert [answer["y"].shape for answer in answers] == [(1, 2)] * 5
    assert answers[3]["y"][0, 0] == 6


@pytest.mark.parametrize(
    ("max_batch_size", "sizes"), [(2, [2, 2, 1]), (5, [5]), (8, [5])]
)
def test_the_loop_gathers_what_is_there(max_batch_size: int, sizes: list[int]):
    seen: list[int] = []

    def predict(inputs: Arrays) -> Arrays:
        seen.append(len(inputs["x"]))
        return {"y": 2 * inputs["x"]}

    async def start() -> Callable[..., object]:
        return BatchingLoop(predict, Batching(max_batch_size, 1000, 1)).predict

    with closing(TaskServer(start)) as server:
        answers = server.ask_all(REQUESTS)
    assert [answer["y"][0, 0] for answer in answers] == [0, 2, 4, 6, 8]
    assert seen == sizes


def test_wrong_answers_end_a_worker(tmp_path: Path):
    x = np.arange(12, dtype=np.float32).reshape(6, 2)
    np.savez(tmp_path / "answer.npz", output=2 * x, **{"input:x": x})
    requests, expected = worker.read_requests(tmp_path / "answer.npz", 4)
    assert [len(request["x"]) for request in requests] == [4]
    assert worker.check(ThreadServer(Double().predict), requests, expected) == 0
    with pytest.raises(SystemExit, match="wrong by"):
        worker.check(ThreadServer(Double().predict), requests, expected + 1)
