# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Small requests have the event loop between two pieces of a large body."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

for package in ("grpc", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tfnative.serving.server import lanes as lanes_module  # noqa: E402
from tfnative.serving.server.budget import ByteBudget  # noqa: E402
from tfnative.serving.server.lanes import (  # noqa: E402
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
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self.is_standing:
            self.now += seconds
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


def test_few_bytes_wait_for_no_turn(lanes, clock):
    async def run() -> None:
        await lanes.run(10, lambda: None)
        await Turns(lanes).moved(TURN_BYTES - 1)

    asyncio.run(run())
    assert clock.slept == []


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities on Linux")
def test_what_takes_the_lock_for_each_piece_does_not_give_way(lanes):
    """A thread that has Python's lock and gets no CPU would hold up all others."""
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async def run() -> tuple[int, int]:
        moving = await lanes.move(priority)
        return moving, await lanes.run_in_thread(1 << 30, priority)

    moving, large = asyncio.run(run())
    assert moving == priority()
    assert large > moving
