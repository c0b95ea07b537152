# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Has a call answered by one of several servers: chooses, tries again, sends twice."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, TypeVar

from tfnative.errors import CancelledError, Error, UnavailableError
from tfnative.serving.deadlines import delay_after, left

if TYPE_CHECKING:
    from tfnative.serving.calls import Call
    from tfnative.serving.channels.protocol import Channel, Pending
    from tfnative.serving.endpoints import Endpoint, Endpoints
    from tfnative.serving.options import Hedge, Options

T = TypeVar("T")


class Attempts:
    """Sends the calls of a ``Client``. Thread-safe.

    Args:
        endpoints: Whom to ask.
        options: When to try again, and when to send a call once more.
    """

    def __init__(self, endpoints: Endpoints[Channel], options: Options) -> None:
        self._endpoints = endpoints
        self._options = options

    def close(self) -> None:
        """Closes the connections. Calls on their way fail."""
        for endpoint in self._endpoints:
            endpoint.channel.close()

    def run(self, call: Call[T], deadline: float | None) -> T:
        """Sends a call, again if need be, and returns the answer."""
        attempts = 0
        tried: list[Endpoint[Channel]] = []
        while True:
            attempts += 1
            try:
                return self._attempt(call, deadline, tried)
            except Error as error:
                retry = self._options.retry
                delay = delay_after(error, attempts, retry, deadline)
                if delay is None:
                    raise
            time.sleep(delay)

    def _attempt(
        self, call: Call[T], deadline: float | None, tried: list[Endpoint[Channel]]
    ) -> T:
        if self._options.hedge is not None:
            return self._hedged(call, deadline, tried, self._options.hedge)
        endpoint = self._endpoints.begin(tried)
        tried.append(endpoint)
        error: BaseException | None = None
        try:
            return endpoint.channel.call(call, left(deadline))
        except BaseException as raised:
            error = raised
            raise
        finally:
            endpoint.end(error)

    def _hedged(
        self,
        call: Call[T],
        deadline: float | None,
        tried: list[Endpoint[Channel]],
        hedge: Hedge,
    ) -> T:
        """Several of the same call, one after the other; the first answer counts."""
        done: queue.SimpleQueue[Pending[T]] = queue.SimpleQueue()
        pending: dict[Pending[T], Endpoint[Channel]] = {}
        failure: Error | None = None
        started = 0
        try:
            while True:
                if started < hedge.max_calls:
                    try:
                        self._start(call, deadline, tried, pending, done)
                    except UnavailableError as error:
                        failure = failure or error
                    started += 1
                if not pending and failure is not None and started == hedge.max_calls:
                    raise failure
                wait = left(deadline)
                if started < hedge.max_calls:
                    wait = min(hedge.delay_seconds, wait or hedge.delay_seconds)
                try:
                    ended = done.get(timeout=wait)
                except queue.Empty:
                    continue
                try:
                    answer = ended.result()
                except Error as error:
                    pending.pop(ended).end(error)
                    failure = error
                    if not isinstance(error, UnavailableError):
                        raise
                else:
                    pending.pop(ended).end(None)
                    return answer
        finally:
            for loser, endpoint in pending.items():
                loser.cancel()
                endpoint.end(CancelledError("another call was answered first"))

    def _start(
        self,
        call: Call[T],
        deadline: float | None,
        tried: list[Endpoint[Channel]],
        pending: dict[Pending[T], Endpoint[Channel]],
        done: queue.SimpleQueue[Pending[T]],
    ) -> None:
        endpoint = self._endpoints.begin(tried)
        tried.append(endpoint)
        try:
            one = endpoint.channel.start(call, left(deadline))
        except BaseException as error:
            endpoint.end(error)
            raise
        pending[one] = endpoint
        one.add_done_callback(done.put)
