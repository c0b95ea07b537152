# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Callers for a batcher: as many as are told, or as often as is told."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from tfnative._batch.batcher import Batcher
from tfnative.errors import Error, ResourceExhaustedError


class Traffic(NamedTuple):
    """What came of some seconds of traffic.

    Attributes:
        seconds: From the first request that counts to the last answer.
        latencies_micros: Of each request that was answered, ascending.
        failed: Requests that got an error, or that there was no time to send.
    """

    seconds: float
    latencies_micros: list[float]
    failed: int

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies_micros) / self.seconds

    def quantile(self, q: float) -> float:
        """The latency that a share ``q`` of the requests does not pass, or 0."""
        if not self.latencies_micros:
            return 0.0
        return self.latencies_micros[int(q * (len(self.latencies_micros) - 1))]


def closed_loop(batcher: Batcher, inputs: Any, callers: int, seconds: float) -> Traffic:
    """Threads that ask again as soon as they are answered.

    Args:
        batcher: Whom they ask.
        inputs: What each asks for.
        callers: How many.
        seconds: For how long, after a tenth of that to warm up.

    Raises:
        ResourceExhaustedError: So many threads cannot be started.
    """
    warm = time.perf_counter() + seconds / 10
    end = warm + seconds
    spans: list[list[tuple[float, float]]] = [[] for _ in range(callers)]
    failed = [0] * callers

    def ask(caller: int) -> None:
        while (start := time.perf_counter()) < end:
            try:
                batcher.predict(inputs)
            except Error:
                failed[caller] += start >= warm
                time.sleep(0.001)  # As one who was told to come back later.
                continue
            if start >= warm:
                spans[caller].append((start, time.perf_counter()))

    _run_threads(ask, callers)
    if counted := list(itertools.chain(*spans)):
        # Not ``seconds``: a slow model's last answers come long after them.
        seconds = max(done for _, done in counted) - min(start for start, _ in counted)
    latencies = sorted((done - start) * 1e6 for start, done in counted)
    return Traffic(seconds, latencies, sum(failed))


def open_loop(
    batcher: Batcher, inputs: Any, per_second: float, seconds: float, seed: int = 0
) -> Traffic:
    """Requests that come by chance, whether the ones before were answered or not.

    Ends: what is not sent after ``seconds``, since more come than one thread can send,
    and what waits in the queue after twice that time, has failed.

    Args:
        batcher: Whom they ask.
        inputs: What each asks for.
        per_second: How many come on average. The time between two is exponentially
            distributed, as that between independent users' requests.
        seconds: For how long.
        seed: Of the chance.
    """
    chance = random.Random(seed)
    latencies: list[float] = []
    failures: list[object] = []
    answered = threading.Semaphore(0)

    def note(start: float) -> Callable[[Any], None]:
        def done(future: Any) -> None:
            if future.exception() is None:
                latencies.append((time.perf_counter() - start) * 1e6)
            else:
                failures.append(future)
            answered.release()

        return done

    begin = due = time.perf_counter()
    end, give_up = begin + seconds, begin + 2 * seconds
    asked, unsent = 0, 0
    while (due := due + chance.expovariate(per_second)) < end:
        now = time.perf_counter()
        if now >= end:
            unsent = 1 + round(per_second * (end - due))
            break
        if due > now:
            time.sleep(due - now)
        try:
            # From when it was due: a request that waits for its turn to be sent waits.
            future = batcher.submit(inputs, timeout=give_up - now)
        except Error as error:
            failures.append(error)
        else:
            future.add_done_callback(note(due))
            asked += 1
    for _ in range(asked):
        answered.acquire()
    elapsed = time.perf_counter() - begin
    return Traffic(elapsed, sorted(latencies), len(failures) + unsent)


def _run_threads(function: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=function, args=(i,)) for i in range(count)]
    started = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
    except RuntimeError as error:
        raise ResourceExhaustedError(
            f"cannot start {count} threads, but {len(started)}: {error}"
        ) from None
    finally:
        for thread in started:
            thread.join()
