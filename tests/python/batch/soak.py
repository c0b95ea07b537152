# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Uses batchers in all ways at once, for a while.

    python -m tests.python.batch.soak SECONDS SEED ARTIFACT

ARTIFACT is that of conftest.py. Ends with what was counted, as JSON, or with the first
thing that went wrong.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import ctypes
import faulthandler
import gc
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import tfnative

PATIENCE_SECONDS = 60
"""After which something has gone wrong."""

REJECTIONS = ("UNAVAILABLE", "FAILED_PRECONDITION")
"""The codes of requests that never were in the queue."""


class Flaky:
    """Predicts as a model does, y = 2 x + offset, but slowly, or not at all."""

    name = "flaky"

    def __init__(self, offset: int, seed: int) -> None:
        self.offset = offset
        self._random = random.Random(seed)

    def signature(self, name: str | None = None) -> tfnative.Signature:
        f4 = np.dtype("f4")
        return tfnative.Signature(
            name or "serving_default",
            {"x": tfnative.TensorSpec("x", f4, (-1, 3))},
            {"y": tfnative.TensorSpec("y", f4, (-1, 3))},
            (8,),
            True,
        )

    def predict(self, inputs, *, signature=None):
        dice = self._random.random()
        if dice < 0.02:
            raise ValueError("no luck")
        if dice < 0.04:
            raise tfnative.ResourceExhaustedError("no memory")
        if dice < 0.3:
            time.sleep(dice / 100)
        return {"y": 2 * inputs["x"] + np.float32(self.offset)}


@dataclass(frozen=True)
class Kind:
    """A batcher that is made again and again."""

    options: dict
    is_native: bool = False
    has_own_threads: bool = False


KINDS = [
    Kind(dict(batch_timeout_micros=200)),
    Kind(
        dict(
            max_batch_size=20,
            allowed_batch_sizes=[2, 4, 8],
            enable_large_batch_splitting=True,
        )
    ),
    Kind(dict(max_batch_size=4, max_enqueued_batches=1)),
    Kind(dict(streaming=True, batch_timeout_micros=300)),
    Kind(dict(batch_timeout_micros="auto", latency_target_ms=5)),
    Kind(dict(max_enqueued_batches=2, retry_max_time_micros=2000)),
    Kind(dict(allowed_batch_sizes=[1, 16]), is_native=True),
    Kind(dict(), has_own_threads=True),
]


class Life:
    """A batcher, and what became of its requests."""

    def __init__(self, kind: Kind, world: World) -> None:
        self.kind = kind
        self._world = world
        self._offsets: list[int] = []
        self._swapped = 0
        """Which of the offsets was current when the last swap was over."""
        options = dict(kind.options)
        if kind.has_own_threads:
            options["num_batch_threads"] = 1
        else:
            options["scheduler"] = world.scheduler
        self.batcher = tfnative.Batcher(self._model(), signature="affine", **options)
        self.largest_request = self.batcher.options["max_batch_size"]
        self.asked = 0
        self.outcomes: Counter[str] = Counter()
        self._users = 0
        self._condition = threading.Condition()

    def _model(self) -> tfnative.Model | Flaky:
        if self.kind.is_native:
            self._offsets.append(1)
            return tfnative.load(self._world.artifact)
        self._offsets.append(len(self._offsets))
        return Flaky(self._offsets[-1], len(self._offsets))

    @contextlib.contextmanager
    def used(self) -> Iterator[Life]:
        with self._condition:
            self._users += 1
        try:
            yield self
        finally:
            with self._condition:
                self._users -= 1
                self._condition.notify_all()

    def swap(self) -> None:
        model = self._model()
        with contextlib.suppress(tfnative.FailedPreconditionError):  # It is closed.
            self.batcher.swap(model)
        self._swapped = len(self._offsets) - 1

    def end(self, drain: bool, timeout: float | None) -> None:
        self.batcher.close(drain=drain, timeout=timeout)

    def request(self, dice: random.Random) -> Request:
        rows = dice.choice([1, 1, 1, 2, 3, self.largest_request])
        if dice.random() < 0.01:
            rows = self.largest_request + 1
        x = np.full((rows, 3), dice.randrange(1 << 20), "f4")
        x += np.arange(rows, dtype="f4")[:, None]
        with self._condition:
            self.asked += 1
        return Request(self, x, self._swapped)

    def note(self, outcome: str) -> None:
        with self._condition:
            self.outcomes[outcome] += 1

    def check_answer(self, request: Request, y: np.ndarray) -> None:
        """All rows are from one model: from the one that the request came for."""
        offsets = np.unique(y - 2 * request.x)
        assert len(offsets) == 1, f"rows of several models or callers: {offsets}"
        possible = self._offsets[request.swapped :]
        assert offsets[0] in possible, f"{offsets[0]} is none of {possible}"

    def check_counts(self) -> None:
        """Once it is closed, and nobody uses it any more."""
        with self._condition:
            unused = self._condition.wait_for(
                lambda: self._users == 0, PATIENCE_SECONDS
            )
        assert unused, "a call does not return"
        assert self.outcomes.total() == self.asked, (self.outcomes, self.asked)
        metrics = self.batcher.metrics()
        unknown = self.outcomes["task cancelled"]
        """Requests of cancelled tasks may have come to anything."""
        errors = Counter(metrics.errors)
        assert errors.keys() <= CODES.keys(), errors
        if "retry_max_time_micros" not in self.kind.options:
            for code, outcome in CODES.items():
                low = self.outcomes[outcome]
                assert low <= errors[code] <= low + unknown, (
                    code,
                    errors,
                    self.outcomes,
                )
            came = self.asked - errors["INVALID_ARGUMENT"]
            assert metrics.request_count == came
        rejected = sum(errors[code] for code in REJECTIONS)
        answered = metrics.request_latency.count
        assert metrics.request_count == answered + rejected, (metrics, rejected)
        assert metrics.input_batch_size.count == metrics.request_count
        failed = sum(errors.values()) - rejected - errors["INVALID_ARGUMENT"]
        low = self.outcomes["answered"]
        assert low <= answered - failed <= low + unknown, (metrics, self.outcomes)
        runs = metrics.wrapped_run_count
        assert runs == metrics.run_latency.count == metrics.processed_batch_size.count
        if self.batcher.options["allowed_batch_sizes"]:
            assert runs == sum(h.count for h in metrics.padding_size.values())
        left = (metrics.queued_requests, metrics.queued_rows)
        left += (metrics.enqueued_batches, metrics.running_batches)
        assert left == (0, 0, 0, 0)


CODES = {
    "UNAVAILABLE": "UnavailableError",
    "FAILED_PRECONDITION": "FailedPreconditionError",
    "INVALID_ARGUMENT": "InvalidArgumentError",
    "DEADLINE_EXCEEDED": "DeadlineExceededError",
    "RESOURCE_EXHAUSTED": "ResourceExhaustedError",
    "INTERNAL": "InternalError",
    "CANCELLED": "CancelledError",
}


@dataclass(frozen=True)
class Request:
    """Rows, and since when their life has had the model that they may meet."""

    life: Life
    x: np.ndarray
    swapped: int

    def settle(self, get: Callable[[], np.ndarray]) -> None:
        """Notes what became of it."""
        try:
            y = get()
        except concurrent.futures.CancelledError:
            self.life.note("CancelledError")
        except tfnative.Error as error:
            self.life.note(type(error).__name__)
        else:
            self.life.check_answer(self, y)
            self.life.note("answered")


class World:
    """Batchers of all kinds that share threads, and those who use them."""

    def __init__(self, artifact: Path, seed: int) -> None:
        self.artifact = artifact
        self.scheduler = tfnative.BatchScheduler(2, thread_pool_name="soak")
        self.totals: Counter[str] = Counter()
        self._seed = seed
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self._lock = threading.Lock()
        self._lives = [Life(kind, self) for kind in KINDS]

    def run(self, seconds: float) -> None:
        """Lets everybody work for so long, and checks that nothing is left."""
        work = [self._predict] * 6 + [self._submit] * 3 + [self._await] * 2
        work += [self._renew, self._swap, self._watch]
        threads = [
            threading.Thread(
                target=self._repeat, args=(step, random.Random(self._seed * 100 + i))
            )
            for i, step in enumerate(work)
        ]
        for thread in threads:
            thread.start()
        self._stop.wait(seconds)
        self._stop.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        hung = [thread.name for thread in threads if thread.is_alive()]
        if hung:
            faulthandler.dump_traceback()
            sys.exit(f"threads hang: {hung}")
        if self._failures:
            raise self._failures[0]
        for life in self._lives:
            life.end(drain=True, timeout=None)
            self._bury(life)

    def _repeat(self, step: Callable[[random.Random], None], dice: random.Random):
        with self._noting_failures():
            while not self._stop.is_set():
                step(dice)

    @contextlib.contextmanager
    def _noting_failures(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._failures.append(error)
            self._stop.set()

    @contextlib.contextmanager
    def _any_life(self, dice: random.Random) -> Iterator[Life]:
        with contextlib.ExitStack() as stack:
            with self._lock:
                life = stack.enter_context(dice.choice(self._lives).used())
            yield life

    def _bury(self, life: Life) -> None:
        life.check_counts()
        self.totals.update(life.outcomes)
        self.totals["asked"] += life.asked
        self.totals["lives"] += 1

    # --- What threads do, again and again ----------------------------------------

    def _predict(self, dice: random.Random) -> None:
        timeout = dice.choice([None, None, 10, 0.002, 0.0002, 0])
        with self._any_life(dice) as life:
            request = life.request(dice)
            request.settle(lambda: life.batcher.predict(request.x, timeout=timeout))

    def _submit(self, dice: random.Random) -> None:
        done: list[object] = []
        with self._any_life(dice) as life:
            futures: dict[tfnative.BatchFuture, Request] = {}
            for _ in range(dice.randint(1, 20)):
                request = life.request(dice)
                timeout = dice.choice([None, None, 10, 0.002])
                try:
                    future = life.batcher.submit(request.x, timeout=timeout)
                except tfnative.Error as error:
                    life.note(type(error).__name__)
                    continue
                future.add_done_callback(done.append)
                futures[future] = request
                if dice.random() < 0.2:
                    dice.choice(list(futures)).cancel()
            left = concurrent.futures.wait(futures, PATIENCE_SECONDS).not_done
            assert not left, f"{len(left)} futures of {len(futures)} stay undone"
            for future, request in futures.items():
                request.settle(future.result)
        until = time.monotonic() + PATIENCE_SECONDS
        while len(done) < len(futures) and time.monotonic() < until:
            time.sleep(0.0001)  # Callbacks are called after waiting threads.
        assert Counter(map(id, done)) == Counter(map(id, futures))

    def _await(self, dice: random.Random) -> None:
        asyncio.run(self._tasks(dice))

    async def _tasks(self, dice: random.Random) -> None:
        async def ask(life: Life, request: Request) -> None:
            timeout = dice.choice([None, None, 10, 0.002])
            answer = life.batcher.predict_async(request.x, timeout=timeout)
            try:
                y = await answer
            except asyncio.CancelledError:
                life.note("task cancelled")
            except tfnative.Error as error:
                life.note(type(error).__name__)
            else:
                life.check_answer(request, y)
                life.note("answered")

        with self._any_life(dice) as life, self._any_life(dice) as other:
            tasks = []
            for _ in range(dice.randint(1, 60)):
                chosen = dice.choice([life, other])
                tasks.append(asyncio.create_task(ask(chosen, chosen.request(dice))))
                await asyncio.sleep(0)  # A task that never begins notes nothing.
                if dice.random() < 0.2:
                    dice.choice(tasks).cancel()
            done, left = await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
            assert not left, f"{len(left)} tasks of {len(tasks)} stay undone"
            for task in done:
                if error := task.exception():
                    raise error

    def _renew(self, dice: random.Random) -> None:
        """Closes a batcher, in any way, and makes another one in its place."""
        time.sleep(dice.random() * 0.05)
        index = dice.randrange(len(self._lives))
        life = self._lives[index]

        def close() -> None:
            with self._noting_failures():
                life.end(*dice.choice([(True, None), (True, 0.001), (False, None)]))

        closers = [
            threading.Thread(target=close) for _ in range(dice.choice([1, 1, 2]))
        ]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(PATIENCE_SECONDS)
        assert not any(closer.is_alive() for closer in closers), "close hangs"
        with self._lock:
            self._lives[index] = Life(life.kind, self)
        self._bury(life)

    def _swap(self, dice: random.Random) -> None:
        time.sleep(dice.random() * 0.01)
        with self._any_life(dice) as life:
            life.swap()
        self.totals["swaps"] += 1

    def _watch(self, dice: random.Random) -> None:
        time.sleep(dice.random() * 0.005)
        with self._any_life(dice) as life:
            life.batcher.start_trace(1000)
            time.sleep(dice.random() * 0.005)
            assert life.batcher.metrics().to_prometheus()
            assert life.batcher.closed in (False, True)
            trace = life.batcher.stop_trace()
        assert all(batch.rows <= batch.padded_rows for batch in trace.batches)
        self.totals["traced batches"] += len(trace.batches)


def memory_bytes() -> int:
    """What is resident, without what the allocator keeps for later."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def handles() -> dict[str, int]:
    """What may leak beside memory."""
    folder = Path("/proc/self")
    return {name: len(os.listdir(folder / name)) for name in ("task", "fd")}


def settled_handles(expected: dict[str, int]) -> dict[str, int]:
    """Threads are joined, but the system may list them for a moment."""
    until = time.monotonic() + 10
    while handles() != expected and time.monotonic() < until:
        time.sleep(0.1)
        gc.collect()
    return handles()


def main() -> None:
    seconds, seed, artifact = float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    faulthandler.dump_traceback_later(2 * seconds + 3 * PATIENCE_SECONDS, exit=True)
    before = handles()
    totals: Counter[str] = Counter()
    memory = []
    for part in (0.25, 0.25, 0.5):  # The first one warms up.
        world = World(artifact, seed)
        world.run(seconds * part)
        totals.update(world.totals)
        del world
        memory.append(memory_bytes())
    after = settled_handles(before)
    report = {"totals": totals, "memory": memory, "before": before, "after": after}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
