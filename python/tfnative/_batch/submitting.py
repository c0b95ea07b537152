# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batched prediction whose answers come later: as futures, and to coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import Any

from tfnative._base.forked import RenewedLock
from tfnative._base.initialized import Initialized
from tfnative._batch.futures import BatchFuture, FutureChannel, LoopChannel
from tfnative._batch.scheduler import BatchScheduler
from tfnative._core import Batcher as CoreBatcher, BatchOptions, BatchSource
from tfnative.errors import UnavailableError


class SubmittingBatcher(Initialized, CoreBatcher):
    """The part of a ``Batcher`` that answers callers who do not wait.

    ``predict`` needs none of it: who waits, waits in the extension module.
    """

    def __init__(
        self, source: BatchSource, options: BatchOptions, scheduler: BatchScheduler
    ) -> None:
        self._retry_seconds = options.retry_max_time_micros / 1e6
        self._retry_delay = options.retry_delay_micros / 1e6
        self._lock = RenewedLock()
        self._futures: FutureChannel | None = None
        self._loops: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, LoopChannel
        ] = weakref.WeakKeyDictionary()
        super().__init__(source, options, scheduler)
        weakref.finalize(self, _leave, self._loops).atexit = False

    def submit(self, inputs: Any, *, timeout: float | None = None) -> BatchFuture:
        """As ``predict``, but returns at once.

        Does not retry. The arrays must not change before the answer is there.

        Returns:
            A ``concurrent.futures.Future`` for the answer. To cancel it takes the rows
            out of the queue. Callbacks run in a thread that settles all futures: they
            should be quick.

        Raises:
            Error: As ``predict``, for what is known at once.
        """
        channel = self._futures
        if channel is None:
            with self._lock:
                if self._futures is None:
                    self._futures = FutureChannel()
                    weakref.finalize(self, self._futures.abandon).atexit = False
                channel = self._futures
        return channel.submit(self._submit, inputs, timeout)

    async def predict_async(self, inputs: Any, *, timeout: float | None = None) -> Any:
        """As ``predict``, for coroutines. To cancel the task takes the rows out.

        The event loop has to have ``add_reader``, as asyncio's and uvloop's on Linux.

        Raises:
            Error: As ``predict``.
        """
        loop = asyncio.get_running_loop()
        channel = self._loops.get(loop)
        if channel is None:
            with self._lock:  # Loops of other threads have channels, too.
                channel = self._loops[loop] = LoopChannel(loop)
        until = loop.time() + self._retry_seconds
        while True:
            try:
                answer = channel.submit(self._submit, inputs, timeout)
            except UnavailableError:
                if loop.time() >= until:
                    raise
                await asyncio.sleep(self._retry_delay)
            else:
                return await answer

    def _end_answers(self) -> None:
        """After the last request was answered."""
        with self._lock:
            futures, self._futures = self._futures, None
        if futures is not None:
            futures.close()
        with self._lock:
            _leave(self._loops)


def _leave(
    loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopChannel],
) -> None:
    """Has event loops forget their channels."""
    for loop, channel in list(loops.items()):
        with contextlib.suppress(RuntimeError):  # The loop is closed.
            loop.call_soon_threadsafe(channel.close, loop)
    loops.clear()
