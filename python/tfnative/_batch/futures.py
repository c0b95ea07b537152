# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Answers that come later, for threads and for event loops.

Batch threads know nothing of Python: they note the number of a request that is done.
Here somebody waits for such notes, a thread or an event loop, and settles the futures.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from tfnative._base.forked import RenewedLock
from tfnative._base.initialized import Initialized
from tfnative._core import BatchRequest, Completions
from tfnative.errors import CancelledError, FailedPreconditionError

_log = logging.getLogger("tfnative")

Submit = Callable[[Any, float | None, Completions, int], BatchRequest]


class BatchFuture(Initialized, Future[Any]):
    """The answer to a request: a future that can be cancelled while it waits."""

    _request: BatchRequest | None = None
    _is_cancelling = False

    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()

    def result(self, timeout: float | None = None) -> Any:
        """Waits for the answer; see ``concurrent.futures.Future.result``.

        Raises:
            FailedPreconditionError: It would never come: this is a child of fork, or a
                model that is being run by the same batch threads.
        """
        self._check_waiting()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Waits for what went wrong; as ``result``."""
        self._check_waiting()
        return super().exception(timeout)

    def _check_waiting(self) -> None:
        request = self._request
        if request is not None:
            try:
                request.check_waiting()
            except FailedPreconditionError:
                request.cancel()  # Nobody will ask any more.
                raise
        if os.getpid() == self._process:
            return
        self._process = os.getpid()
        # A thread of the parent may have held its lock, and was to settle it.
        self._condition = threading.Condition()
        if request is not None:
            self._settle()
        elif not self.done():
            raise FailedPreconditionError(
                "this process was forked while another thread took over the answer"
            )

    def cancel(self) -> bool:
        """Takes the request out of the queue.

        Returns:
            Whether it was: not if it is being run, or done.
        """
        if self.cancelled():
            return True
        request = self._request
        if request is None:
            return False
        self._is_cancelling = True
        if not request.cancel():
            self._is_cancelling = False
            return False
        # Perhaps the thread that settles futures has been faster.
        return super().cancel()

    def _settle(self) -> None:
        """Takes over what the request has come to."""
        request, self._request = self._request, None
        assert request is not None
        try:
            result = request.result()
        except CancelledError as error:
            if self._is_cancelling:
                super().cancel()
                self.set_running_or_notify_cancel()
            else:
                self.set_exception(error)
        except Exception as error:
            self.set_exception(error)
        else:
            self.set_result(result)


class FutureChannel:
    """Futures of ``concurrent.futures``, settled by a thread that starts with them.

    The thread keeps the channel. So that it does not keep the batcher as well, the
    channel is given the batcher's ``submit`` with each request.
    """

    def __init__(self) -> None:
        self._completions = Completions()
        self._numbers = itertools.count()
        self._lock = RenewedLock()
        self._pending: dict[int, BatchFuture] = {}
        self._thread: threading.Thread | None = None
        self._is_abandoned = False

    def submit(self, submit: Submit, inputs: Any, timeout: float | None) -> BatchFuture:
        """A future for the answer. Raises what is known at once."""
        future = BatchFuture()
        # With the lock held, the thread does not look for the future too early.
        with self._lock:
            number = next(self._numbers)
            future._request = submit(inputs, timeout, self._completions, number)
            self._pending[number] = future
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._settle, name="tfnative-futures", daemon=True
                )
                self._thread.start()
        return future

    def close(self) -> None:
        """Settles the futures whose requests are done, and ends the thread."""
        self._completions.close()
        with self._lock:  # Else, it may be about to start.
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def abandon(self) -> None:
        """The batcher is gone. The thread ends when all futures are settled.

        Takes no lock: it may be called wherever Python frees memory.
        """
        self._is_abandoned = True
        if not self._pending:
            self._completions.close()

    def _settle(self) -> None:
        while numbers := self._completions.wait():
            for number in numbers:
                with self._lock:
                    future = self._pending.pop(number)
                try:
                    future._settle()
                except BaseException:  # A callback's own trouble is not the others'.
                    _log.exception("a callback of a future failed")
                del future
            if self._is_abandoned and not self._pending:
                return


class LoopChannel:
    """Answers for the coroutines of one event loop, which settles them itself.

    Only its loop's thread uses it. It keeps neither the loop nor the batcher.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._completions = Completions()
        self._numbers = itertools.count()
        self._pending: dict[int, tuple[asyncio.Future[Any], BatchRequest]] = {}
        loop.add_reader(self._completions.fileno(), self._settle)

    def submit(
        self, submit: Submit, inputs: Any, timeout: float | None
    ) -> Coroutine[Any, Any, Any]:
        """A coroutine for the answer. Raises what is known at once."""
        number = next(self._numbers)
        request = submit(inputs, timeout, self._completions, number)
        request.check_waiting()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = (future, request)
        return self._answer(future, request)

    @staticmethod
    async def _answer(future: asyncio.Future[Any], request: BatchRequest) -> Any:
        """The answer. To cancel the task takes the request out of the queue."""
        try:
            answer = await future
        except asyncio.CancelledError:
            request.cancel()
            raise
        # TensorFlow may take long, and the loop has others to serve meanwhile.
        return await asyncio.to_thread(request.result) if request.has_tail else answer

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Settles what is done; leaves the loop alone from now on."""
        self._settle()
        loop.remove_reader(self._completions.fileno())

    def _settle(self) -> None:
        for number in self._completions.take():
            future, request = self._pending.pop(number)
            if future.done():  # Cancelled.
                continue
            try:
                result = None if request.has_tail else request.result()
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)
