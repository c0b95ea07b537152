# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How a server stops: what is on its way is answered, and what comes is sent away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tfnative.errors import UnavailableError

LAST_CALL_SECONDS = 0.1
"""For so long requests are still taken: they were sent before anybody could know."""
_TELLING_SECONDS = 1.0
"""How long it may take to tell those that cannot be answered."""


class Drain:
    """The requests on their way, and whether more are welcome. For one event loop.

    Attributes:
        is_stopping: The server has been told to end: clients should go elsewhere.
        is_refusing: New requests are sent away.
    """

    def __init__(self) -> None:
        self.is_stopping = False
        self.is_refusing = False
        self._is_over = False
        self._until: float | None = None
        self._waiting: set[asyncio.Task[object]] = set()
        self._open = 0
        self._all_ended = asyncio.Event()
        self._all_ended.set()

    def begin(self) -> None:
        """Notes a request; ``end`` is to be called when its answer has been sent.

        Raises:
            UnavailableError: It has come too late. ``end`` must not be called.
        """
        if self.is_refusing:
            raise UnavailableError("the server is stopping")
        self._open += 1
        self._all_ended.clear()

    def end(self) -> None:
        """Notes that a request has been answered, or that nobody waits any more."""
        self._open -= 1
        if self._open == 0:
            self._all_ended.set()

    @contextmanager
    def limited(self) -> Iterator[None]:
        """For the task that answers a request: it is stopped when the time is up.

        Raises:
            UnavailableError: The time is up.
        """
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self._is_over:
                raise
            if hasattr(task, "uncancel"):  # Python 3.11
                task.uncancel()
            raise UnavailableError(
                "the server is stopping, and had no time to answer"
            ) from None
        finally:
            self._waiting.discard(task)

    async def finish(self, seconds: float) -> int:
        """Has all be answered, or told that they are not.

        Args:
            seconds: How long answers may take.

        Returns:
            How many requests were not answered.
        """
        loop = asyncio.get_running_loop()
        self._until = loop.time() + seconds
        self.is_stopping = True
        await asyncio.sleep(min(LAST_CALL_SECONDS, seconds))
        self.is_refusing = True
        await self._wait(self.seconds_left())
        self._is_over = True
        unanswered = tuple(self._waiting)
        for task in unanswered:
            task.cancel()
        await self._wait(_TELLING_SECONDS)
        return len(unanswered)

    def seconds_left(self) -> float:
        """Until the time is up; none if nobody has told the server to end."""
        if self._until is None:
            return 0.0
        return max(self._until - asyncio.get_running_loop().time(), 0.0)

    async def _wait(self, seconds: float) -> None:
        if self._open > 0:
            waiting = asyncio.ensure_future(self._all_ended.wait())
            await asyncio.wait({waiting}, timeout=seconds)
            waiting.cancel()
