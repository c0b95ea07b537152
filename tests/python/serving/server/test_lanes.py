# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Small requests have the event loop between two pieces of a large body."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time as real_time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tfnative._core import read_json, write_json
from tfnative.errors import Error

for package in ("grpc", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tfnative.serving.server import lanes as lanes_module  # noqa: E402
from tfnative.serving.server.budget import ByteBudget  # noqa: E402
from tfnative.serving.server.lanes import (  # noqa: E402
    MOST_LATE_SECONDS,
    PAUSE_SECONDS,
    SMALL_SECONDS,
    TURN_BYTES,
    TURN_SECONDS,
    Lanes,
    Turns,
)
from tfnative.serving.server.rest_body import BodyLimits, read_body  # noqa: E402
from tfnative.serving.server.rest_response import PartsResponse  # noqa: E402

PIECE = bytes(64 << 10)
PIECES = 40
"""Of which four are as many as come before others have their turn."""


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.is_standing = False
        self.late = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self.is_standing:
            self.now += seconds + self.late
        await real_sleep(0)

    @property
    def pauses(self) -> list[float]:
        return [each for each in self.slept if each]


real_sleep = asyncio.sleep


@pytest.fixture
def clock(monkeypatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(lanes_module, "time", found)
    of_lanes = SimpleNamespace(**{**vars(asyncio), "sleep": found.sleep})
    monkeypatch.setattr(lanes_module, "asyncio", of_lanes)
    return found


@pytest.fixture
def lanes(clock) -> Iterator[Lanes]:
    with ThreadPoolExecutor(1) as pool:
        found = Lanes(pool)
        yield found
        found.close()


async def receive_all(lanes: Lanes) -> None:
    waiting = iter(range(PIECES))

    async def receive() -> dict[str, Any]:
        is_last = next(waiting) == PIECES - 1
        return {"type": "http.request", "body": PIECE, "more_body": not is_last}

    request: Any = SimpleNamespace(headers={}, receive=receive)
    with ByteBudget(1 << 30).share() as share:
        body = await read_body(request, BodyLimits(1 << 30, 60.0), share, lanes)
    assert len(body) == PIECES * len(PIECE)


async def send_all(lanes: Lanes) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing is to be received")

    sent = 0

    async def send(message: Any) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))

    response = PartsResponse([PIECE * PIECES], lanes)
    await response({"type": "http"}, receive, send)
    assert sent == PIECES * len(PIECE)


@pytest.mark.parametrize("move", [receive_all, send_all])
def test_small_requests_have_their_turns_beside_a_large_body(lanes, clock, move):
    async def run() -> None:
        await lanes.run(10, lambda: None)
        await move(lanes)

    asyncio.run(run())
    turns = PIECES * len(PIECE) // TURN_BYTES
    assert turns - 1 <= len(clock.pauses) <= turns
    assert min(clock.pauses) >= PAUSE_SECONDS * 0.99


@pytest.mark.parametrize("move", [receive_all, send_all])
def test_nothing_waits_where_no_small_requests_come(lanes, clock, move):
    async def run() -> None:
        await lanes.run_in_thread(10, lambda: None)
        await move(lanes)
        await lanes.run(10, lambda: None)
        clock.now += SMALL_SECONDS
        await move(lanes)

    asyncio.run(run())
    assert clock.pauses == []


def test_many_large_bodies_take_no_more_of_the_loop_than_one(lanes, clock):
    """Each waits until those before it have had their turns."""
    bodies = 7

    async def run() -> None:
        await lanes.run(10, lambda: None)
        clock.is_standing = True  # All ask at the same moment.
        await asyncio.gather(*(Turns(lanes).moved(TURN_BYTES) for _ in range(bodies)))

    asyncio.run(run())
    expected = [PAUSE_SECONDS + i * TURN_SECONDS for i in range(bodies)]
    assert sorted(clock.slept) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("late", "more"), [(0.001, 0.0), (0.007, 0.04), (5.0, MOST_LATE_SECONDS)]
)
def test_small_requests_have_the_loop_longer_where_it_is_late(lanes, clock, late, more):
    turns = Turns(lanes)

    async def run() -> None:
        await lanes.run(10, lambda: None)
        clock.late = late
        await turns.moved(TURN_BYTES)
        clock.late = 0.0
        await lanes.run(10, lambda: None)
        clock.now += TURN_SECONDS
        await turns.moved(TURN_BYTES)
        clock.now += TURN_SECONDS
        await turns.moved(TURN_BYTES)

    asyncio.run(run())
    expected = [PAUSE_SECONDS, PAUSE_SECONDS + more, PAUSE_SECONDS]
    assert clock.slept == pytest.approx(expected)


def test_few_bytes_wait_for_no_turn(lanes, clock):
    async def run() -> None:
        await lanes.run(10, lambda: None)
        await Turns(lanes).moved(TURN_BYTES - 1)

    asyncio.run(run())
    assert clock.slept == []


LARGE = np.random.default_rng(1).random(1_000_000)
"""To write it as JSON takes long enough to be seen."""


def priorities() -> dict[int, int]:
    """Of all threads of this process: the larger, the later it has its turn."""
    found = {}
    for each in map(int, os.listdir("/proc/self/task")):
        with contextlib.suppress(ProcessLookupError):  # It has ended.
            found[each] = os.getpriority(os.PRIO_PROCESS, each)
    return found


@contextlib.contextmanager
def watched() -> Iterator[set[int]]:
    """The priorities that any thread has meanwhile."""
    seen: set[int] = set()
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.001):
            seen.update(priorities().values())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        is_over.set()
        watching.join()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities on Linux")
@pytest.mark.parametrize("is_large", [True, False])
def test_large_work_gives_way_but_no_thread_that_needs_the_lock(lanes, is_large):
    """A thread that has Python's lock and gets no CPU would hold up all others."""
    own = os.getpriority(os.PRIO_PROCESS, 0)

    def work() -> int:
        deadline = real_time.monotonic() + 30
        while real_time.monotonic() < deadline:
            assert write_json(LARGE)[0] == ord("[")
            if not is_large or max(seen, default=own) > own:
                break
        return priorities()[threading.get_native_id()]

    async def run() -> int:
        return await lanes.run_in_thread(1 << 30 if is_large else 1 << 20, work)

    with watched() as seen:
        assert asyncio.run(run()) == own
    assert seen == ({own, min(own + 10, 19)} if is_large else {own})


def test_what_gives_way_fails_as_it_would_elsewhere(lanes):
    async def run() -> None:
        await lanes.run_in_thread(1 << 30, lambda: read_json(b"[1"))

    with pytest.raises(Error) as here:
        read_json(b"[1")
    with pytest.raises(type(here.value)) as there:
        asyncio.run(run())
    assert str(there.value) == str(here.value)


def test_each_piece_of_a_body_is_moved_without_giving_way(lanes):
    """Which takes the lock each time."""

    async def run() -> int:
        return await lanes.move(lambda: os.getpriority(os.PRIO_PROCESS, 0))

    assert asyncio.run(run()) == os.getpriority(os.PRIO_PROCESS, 0)
