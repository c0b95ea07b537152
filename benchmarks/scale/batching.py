# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A batching server, simulated: its queue has the rules of tfnative's batcher.

Those are in cpp/src/batching/request_queue.cc: a batch is due when it is full, when
another one has begun behind it, or when its first request has waited for the timeout;
until a thread takes it, it takes more rows. A request that finds as many batches as may
wait, and no room in the last one, is refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import simpy

NEVER = 1 << 62
"""Microseconds."""

ServiceMicros = Callable[[int], int]
"""How long a batch of so many rows takes."""


@dataclass(frozen=True)
class Rules:
    """How batches are formed; names are those of ``tfnative.Batcher``.

    Attributes:
        max_batch_size: Rows of the largest batch.
        batch_timeout_micros: How long the first request of a batch waits for others.
        num_batch_threads: How many batches run at once.
        max_enqueued_batches: How many may wait.
    """

    max_batch_size: int = 32
    batch_timeout_micros: int = 1000
    num_batch_threads: int = 1
    max_enqueued_batches: int = 100


@dataclass
class Request:
    """A request, and what became of it; times are -1 before they are known.

    Attributes:
        rows: Its rows.
        arrived: When it came.
        started: When its batch began to run.
        done: When it was answered.
        batch_rows: Of all requests in its batch.
    """

    rows: int
    arrived: int
    started: int = -1
    done: int = -1
    batch_rows: int = 0


@dataclass
class _Batch:
    opened: int = 0
    rows: int = 0
    requests: list[Request] = field(default_factory=list)


class BatchingServer:
    """Queue and batch threads of one server.

    Args:
        environment: Whose time it is.
        rules: How batches are formed.
        service: How long they take.

    Attributes:
        outstanding: Requests that it has taken and not answered.
        refused: How many it has not taken.
    """

    def __init__(
        self, environment: simpy.Environment, rules: Rules, service: ServiceMicros
    ) -> None:
        self._environment = environment
        self._rules = rules
        self._service = service
        self._batches = deque([_Batch()])
        self._changed = environment.event()
        self._idle = 0
        self.outstanding = 0
        self.refused = 0
        for _ in range(rules.num_batch_threads):
            environment.process(self._run_batches())

    def offer(self, request: Request) -> bool:
        """Takes a request now, unless there is no room for it.

        Raises:
            ValueError: It has more rows than a batch may have.
        """
        if request.rows > self._rules.max_batch_size:
            raise ValueError(
                f"a request has {request.rows} rows, but max_batch_size is"
                f" {self._rules.max_batch_size}"
            )
        last = self._batches[-1]
        if last.rows + request.rows > self._rules.max_batch_size:
            if len(self._batches) >= self._rules.max_enqueued_batches:
                self.refused += 1
                return False
            last = _Batch()
            self._batches.append(last)
        if not last.requests:
            last.opened = request.arrived
        last.requests.append(request)
        last.rows += request.rows
        self.outstanding += 1
        if self._idle:
            changed, self._changed = self._changed, self._environment.event()
            changed.succeed()
        return True

    def _due(self) -> int:
        """When the first batch may be taken."""
        first = self._batches[0]
        if len(self._batches) > 1 or first.rows >= self._rules.max_batch_size:
            return 0
        if not first.requests:
            return NEVER
        return first.opened + self._rules.batch_timeout_micros

    def _run_batches(self) -> Iterator[Any]:
        """What a batch thread does for ever."""
        environment = self._environment
        while True:
            while (due := self._due()) > environment.now:
                self._idle += 1
                if due == NEVER:
                    yield self._changed
                else:
                    yield self._changed | environment.timeout(due - environment.now)
                self._idle -= 1
            batch = self._batches.popleft()
            if not self._batches:
                self._batches.append(_Batch())
            started = environment.now
            yield environment.timeout(self._service(batch.rows))
            self.outstanding -= len(batch.requests)
            for request in batch.requests:
                request.started, request.done = started, environment.now
                request.batch_rows = batch.rows


def simulate(
    rules: Rules, service: ServiceMicros, arrivals: list[tuple[int, int]]
) -> list[Request]:
    """What becomes of requests to one server; those that are refused are left out.

    Args:
        rules: How batches are formed.
        service: How long they take.
        arrivals: When each request comes, ascending, and its rows.
    """
    environment = simpy.Environment()
    server = BatchingServer(environment, rules, service)
    return run(environment, arrivals, lambda: server)


def run(
    environment: simpy.Environment,
    arrivals: list[tuple[int, int]],
    choose: Callable[[], BatchingServer],
) -> list[Request]:
    """Has requests come, each to the server that is chosen for it, to their end.

    Returns:
        Those that were not refused.
    """
    taken: list[Request] = []

    def send() -> Iterator[Any]:
        for arrived, rows in arrivals:
            if arrived > environment.now:
                yield environment.timeout(arrived - environment.now)
            request = Request(rows, environment.now)
            if choose().offer(request):
                taken.append(request)

    environment.process(send())
    environment.run()
    return taken
