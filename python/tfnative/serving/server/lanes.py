# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where the work on a request is done, so that large ones do not hold up small ones."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy.typing as npt

from tfnative._core import give_way
from tfnative.serving.server.outcome import Outcome

T = TypeVar("T")

INLINE_BYTES = 64 << 10
"""Up to so many are dealt with at once: another thread would take longer to begin."""
LARGE_BYTES = 4 << 20
"""From so many on requests share a few threads that give way to all others."""
LARGE_THREADS = 2
TURN_BYTES = 256 << 10
"""So many bytes of a large body come or go before small requests have the loop."""
PAUSE_SECONDS = 0.001
"""For so long they have it then: the least for which an event loop can wait."""
TURN_SECONDS = 2 * PAUSE_SECONDS
"""From one turn of all large bodies to the next."""
LATE_TIMES = 8
"""By so many times what the loop is late they have it longer."""
MOST_LATE_SECONDS = 0.1
"""Than which they have it no longer: large bodies come and go slowly, but do."""
SMALL_SECONDS = 1.0
"""For so long after a small request another one is expected."""


class Lanes:
    """Threads for requests, by how large they are.

    Args:
        executor: For those that are neither small nor large. It stays open.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._large = ThreadPoolExecutor(
            LARGE_THREADS, "tfnative-large", initializer=_give_way
        )
        self._moving = ThreadPoolExecutor(1, "tfnative-move")
        self._last_small = self._last_turn = -math.inf
        self._late = 0.0

    async def run(self, size_bytes: int, call: Callable[[], T]) -> T:
        """Calls it: here if it is about few bytes, else in a thread."""
        if size_bytes <= INLINE_BYTES:
            self._last_small = time.monotonic()
            return Outcome.of(call).get()
        return await self.run_in_thread(size_bytes, call)

    async def run_in_thread(self, size_bytes: int, call: Callable[[], T]) -> T:
        """Calls it in a thread, however few bytes it is about."""
        large = size_bytes >= LARGE_BYTES
        return await _run(self._large if large else self._executor, call)

    async def move(self, call: Callable[[], T]) -> T:
        """Calls what copies bytes to new memory, which the system has to find first.

        That can take 5 ms for 2 MB: too long for the event loop, and yet so short that
        it shall not wait until a thread is done with a large request.
        """
        return await _run(self._moving, call)

    async def wait_for_turn(self) -> None:
        """Leaves the event loop to small requests, if such come, and then goes on.

        However many wait here, one at a time goes on. Where the loop wakes up late, it
        has too much to do, or the machine has: small requests then have it for longer.
        """
        now = time.monotonic()
        if now - self._last_small >= SMALL_SECONDS:
            await asyncio.sleep(0)
            return
        begin = max(now + PAUSE_SECONDS, self._last_turn + TURN_SECONDS)
        begin += min(LATE_TIMES * self._late, MOST_LATE_SECONDS)
        self._last_turn = begin
        await asyncio.sleep(begin - now)
        # It waits for whole milliseconds, and a turn of the loop can take one.
        self._late = max(0.0, time.monotonic() - begin - TURN_SECONDS)

    def close(self) -> None:
        """Waits for what runs."""
        self._large.shutdown()
        self._moving.shutdown()


class Turns:
    """Leaves the event loop to small requests while a large body comes or goes.

    To read 50 MB as fast as they come keeps the loop busy for 0.2 s. A small request
    takes several turns of the loop, and some of other threads, which then wait for
    Python's lock as well: it takes twice as long, and the next ones wait for it.

    Args:
        lanes: Where all large bodies wait for their turns.
    """

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._bytes = 0

    async def moved(self, count: int) -> None:
        """So many bytes have come or gone: waits if it is the turn of others."""
        self._bytes += count
        if self._bytes >= TURN_BYTES:
            self._bytes = 0
            await self._lanes.wait_for_turn()


async def _run(executor: Executor, call: Callable[[], T]) -> T:
    loop = asyncio.get_running_loop()
    return (await loop.run_in_executor(executor, Outcome.of, call)).get()


def bytes_of(arrays: Mapping[str, npt.NDArray[Any]]) -> int:
    """How large arrays are, to choose a lane."""
    return sum(array.nbytes for array in arrays.values())


def _give_way() -> None:
    """Has what this thread does without Python's lock give way to other threads.

    Its own priority stays: all wait for a thread that has the lock, but gets no CPU.
    """
    give_way(True)
