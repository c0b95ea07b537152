# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What ``attempts`` does, for coroutines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from tfnative.errors import Error, UnavailableError
from tfnative.serving.deadlines import delay_after, left

if TYPE_CHECKING:
    from tfnative.serving.calls import Call
    from tfnative.serving.channels.protocol import AsyncChannel
    from tfnative.serving.endpoints import Endpoint, Endpoints
    from tfnative.serving.options import Hedge, Options

T = TypeVar("T")


class AsyncAttempts:
    """Sends the calls of an ``AsyncClient``; see ``Attempts``."""

    def __init__(self, endpoints: Endpoints[AsyncChannel], options: Options) -> None:
        self._endpoints = endpoints
        self._options = options

    async def close(self) -> None:
        """Closes the connections. Calls on their way fail."""
        for endpoint in self._endpoints:
            await endpoint.channel.close()

    async def run(self, call: Call[T], deadline: float | None) -> T:
        """Sends a call, again if need be, and returns the answer."""
        attempts = 0
        tried: list[Endpoint[AsyncChannel]] = []
        while True:
            attempts += 1
            try:
                if self._options.hedge is None:
                    return await self._attempt(call, deadline, tried)
                return await self._hedged(call, deadline, tried, self._options.hedge)
            except Error as error:
                delay = delay_after(error, attempts, self._options.retry, deadline)
                if delay is None:
                    raise
            await asyncio.sleep(delay)

    async def _attempt(
        self, call: Call[T], deadline: float | None, tried: list[Endpoint[AsyncChannel]]
    ) -> T:
        endpoint = self._endpoints.begin(tried)
        tried.append(endpoint)
        error: BaseException | None = None
        try:
            return await endpoint.channel.call(call, left(deadline))
        except BaseException as raised:
            error = raised
            raise
        finally:
            endpoint.end(error)

    async def _hedged(
        self,
        call: Call[T],
        deadline: float | None,
        tried: list[Endpoint[AsyncChannel]],
        hedge: Hedge,
    ) -> T:
        """Several of the same call, one after the other; the first answer counts."""
        pending: set[asyncio.Task[T]] = set()
        failure: UnavailableError | None = None
        started = 0
        try:
            while started < hedge.max_calls or pending:
                wait = None
                if started < hedge.max_calls:
                    one = self._attempt(call, deadline, tried)
                    pending.add(asyncio.ensure_future(one))
                    started += 1
                if started < hedge.max_calls:
                    wait = hedge.delay_seconds
                done, pending = await asyncio.wait(
                    pending, timeout=wait, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    try:
                        return task.result()
                    except UnavailableError as error:
                        failure = error
            assert failure is not None
            raise failure
        finally:
            for task in pending:
                task.cancel()
