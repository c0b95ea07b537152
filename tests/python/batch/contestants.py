# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's batching op and ours, driven alike.

Both batch the same function, y = 2 x + 1, which does not return before it is told to.
So it is up to a test which batches run at a moment, and what comes meanwhile.
"""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tfnative

WIDTH = 2
PATIENCE_SECONDS = 60
"""After which something has gone wrong."""


@dataclass(frozen=True)
class Options:
    """What both understand, by the names that both have."""

    max_batch_size: int = 4
    allowed_batch_sizes: tuple[int, ...] = ()
    enable_large_batch_splitting: bool = False
    max_enqueued_batches: int = 100
    num_batch_threads: int = 1
    batch_timeout_micros: int = 0

    @property
    def largest_batch(self) -> int:
        """As TensorFlow documents it."""
        if self.enable_large_batch_splitting and self.allowed_batch_sizes:
            return self.allowed_batch_sizes[-1]
        return self.max_batch_size


@dataclass(eq=False)
class Run:
    """A batch that is being run."""

    rows: np.ndarray
    may_end: threading.Event = field(default_factory=threading.Event)
    fails: bool = False

    @property
    def keys(self) -> tuple[int, ...]:
        """Its rows, without padding, in their order."""
        keys = [int(key) for key in self.rows[:, 0]]
        return tuple(dict.fromkeys(keys))


def request_rows(number: int, rows: int) -> np.ndarray:
    """Rows that no other request has; `key // 1000` is the number of their request."""
    keys = np.arange(rows, dtype="f4") + np.float32(1000 * number)
    return np.repeat(keys[:, None], WIDTH, axis=1)


class Contestant(ABC):
    """Batches requests, and can be watched doing so."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.runs: list[Run] = []
        self.outcomes: dict[int, np.ndarray | str] = {}
        """By request that is done: its answer, or its error's name, as both call it."""
        self._events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._all_may_end = False

    @abstractmethod
    def submit(self, number: int, x: np.ndarray) -> None:
        """Returns when the request is in the queue, or refused."""

    @abstractmethod
    def close(self) -> None:
        """Lets all batches end, and ends."""

    def let_all_end(self) -> None:
        """No batch waits for permission any more."""
        self._all_may_end = True
        for run in self.runs:
            run.may_end.set()

    def wait_for_event(self) -> None:
        """Waits until another batch begins, or another request is done."""
        self._note(*self._events.get(timeout=PATIENCE_SECONDS))
        self.note_events()

    def note_events(self) -> None:
        """What has happened already."""
        while not self._events.empty():
            self._note(*self._events.get())

    def _note(self, kind: str, value: Any) -> None:
        if kind == "begun":
            self.runs.append(value)
            if self._all_may_end:
                value.may_end.set()
        else:
            number, outcome = value
            assert number not in self.outcomes, "a request was answered twice"
            self.outcomes[number] = outcome

    def _done(self, number: int, outcome: np.ndarray | str) -> None:
        self._events.put(("done", (number, outcome)))

    def _run(self, x: np.ndarray, failure: BaseException) -> np.ndarray:
        run = Run(x.copy())
        self._events.put(("begun", run))
        if not run.may_end.wait(PATIENCE_SECONDS) or run.fails:
            raise failure
        return 2 * x + np.float32(1)


class TensorFlow(Contestant):
    """`tf.nondifferentiable_batch_function`.

    Each request is a run of a session in a thread of its own, which runs all kernels
    itself: first the batching op, which returns when the request is queued, and then
    one that says so.
    """

    name = "TensorFlow"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        import tensorflow as tf

        self._tf = tf
        self._threads: list[threading.Thread] = []
        self._queued: dict[int, threading.Event] = {}
        graph = tf.Graph()
        with graph.as_default():
            self._x = tf.compat.v1.placeholder(tf.float32, [None, WIDTH])
            self._number = tf.compat.v1.placeholder(tf.int64, [])
            batched = tf.nondifferentiable_batch_function(
                options.num_batch_threads,
                options.max_batch_size,
                options.batch_timeout_micros,
                allowed_batch_sizes=list(options.allowed_batch_sizes),
                max_enqueued_batches=options.max_enqueued_batches,
                enable_large_batch_splitting=options.enable_large_batch_splitting,
            )
            self._y = batched(self._function)(self._x)
            with tf.control_dependencies([self._x]):
                self._after = tf.numpy_function(
                    self._say_queued, [self._number], tf.int64
                )
        self._session = tf.compat.v1.Session(graph=graph)

    def _function(self, x: Any) -> Any:
        y = self._tf.numpy_function(
            lambda rows: self._run(rows, MemoryError("no luck")), [x], x.dtype
        )
        y.set_shape(x.shape)
        return y

    def _say_queued(self, number: np.ndarray) -> np.ndarray:
        self._queued[int(number)].set()
        return number

    def submit(self, number: int, x: np.ndarray) -> None:
        """As the base says."""
        queued = self._queued[number] = threading.Event()
        thread = threading.Thread(target=self._ask, args=(number, x), daemon=True)
        self._threads.append(thread)
        thread.start()
        assert queued.wait(PATIENCE_SECONDS)

    def _ask(self, number: int, x: np.ndarray) -> None:
        in_this_thread = self._tf.compat.v1.RunOptions(inter_op_thread_pool=-1)
        feeds = {self._x: x, self._number: number}
        outcome: np.ndarray | str
        try:
            outcome, _ = self._session.run(
                [self._y, self._after], feeds, options=in_this_thread
            )
        except self._tf.errors.OpError as error:
            outcome = type(error).__name__
        self._done(number, outcome)
        self._queued[number].set()

    def close(self) -> None:
        """As the base says."""
        self.let_all_end()
        while any(thread.is_alive() for thread in self._threads):
            for thread in self._threads:
                thread.join(0.01)
            self.note_events()
        self._session.close()


class Ours(Contestant):
    """tfnative.Batcher."""

    name = "tfnative"

    def __init__(
        self, options: Options, clock: tfnative.FakeClock | None = None
    ) -> None:
        super().__init__(options)
        self._batcher = tfnative.Batcher(
            self,
            num_batch_threads=options.num_batch_threads,
            max_batch_size=options.max_batch_size,
            batch_timeout_micros=options.batch_timeout_micros,
            allowed_batch_sizes=options.allowed_batch_sizes,
            max_enqueued_batches=options.max_enqueued_batches,
            enable_large_batch_splitting=options.enable_large_batch_splitting,
            clock=clock,
        )
        self._batcher.start_trace()

    def signature(self, name: str | None = None) -> tfnative.Signature:
        """What is batched, for the batcher."""
        rows = (-1, WIDTH)
        spec = tfnative.TensorSpec
        return tfnative.Signature(
            name or "serving_default",
            {"x": spec("x", np.dtype("f4"), rows)},
            {"y": spec("y", np.dtype("f4"), rows)},
            (1,),
            True,
        )

    def predict(
        self, inputs: dict[str, np.ndarray], *, signature: str | None = None
    ) -> dict[str, np.ndarray]:
        """Runs a batch, for the batcher."""
        failure = tfnative.ResourceExhaustedError("no luck")
        return {"y": self._run(inputs["x"], failure)}

    def submit(self, number: int, x: np.ndarray) -> None:
        """As the base says."""
        try:
            future = self._batcher.submit(x)
        except tfnative.Error as error:
            self._done(number, type(error).__name__)
        else:
            future.add_done_callback(lambda done: self._settle(number, done))

    def _settle(self, number: int, future: tfnative.BatchFuture) -> None:
        error = future.exception()
        if error is None:
            self._done(number, future.result())
        else:
            self._done(number, type(error).__name__)

    def close(self) -> None:
        """As the base says. Checks that the trace tells what has happened."""
        self.let_all_end()
        closing = threading.Thread(target=self._batcher.close)
        closing.start()
        while closing.is_alive() or not self._events.empty():
            closing.join(0.01)
            self.note_events()
        traced = self._batcher.stop_trace().batches
        assert sorted((b.rows, b.padded_rows, len(b.requests)) for b in traced) == (
            sorted(
                (len(r.keys), len(r.rows), len({key // 1000 for key in r.keys}))
                for r in self.runs
            )
        )
