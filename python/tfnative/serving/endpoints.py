# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which of several addresses a call goes to, and which are given up for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Generic, TypeVar

from tfnative.errors import (
    CancelledError,
    DeadlineExceededError,
    Error,
    InvalidArgumentError,
    UnavailableError,
)
from tfnative.serving.options import Breaker

Channel = TypeVar("Channel")


class Endpoint(Generic[Channel]):
    """An address, its channel, and whether it takes calls. Thread-safe.

    The circuit breaker is closed as long as calls are answered; open, so that none goes
    through, after several that were not; and half open after a while, when one goes
    through to find out.
    """

    def __init__(
        self,
        address: str,
        channel: Channel,
        breaker: Breaker,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self.channel = channel
        self._breaker = breaker
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._is_tried = False
        self.calls = 0
        """That are on their way."""

    @property
    def is_open(self) -> bool:
        """Whether it takes no calls now."""
        with self._lock:
            return not self._admits()

    def _admits(self) -> bool:
        if self._opened_at is None:
            return True
        is_due = self._now() >= self._opened_at + self._breaker.seconds
        return is_due and not self._is_tried

    def begin(self) -> bool:
        """Whether a call may go there; if so, ``end`` is to be called after it."""
        with self._lock:
            if not self._admits():
                return False
            self._is_tried = self._opened_at is not None
            self.calls += 1
            return True

    def end(self, error: BaseException | None) -> None:
        """Notes how a call ended: None if it was answered."""
        with self._lock:
            self.calls -= 1
            was_tried, self._is_tried = self._is_tried, False
            if isinstance(error, UnavailableError | DeadlineExceededError):
                self._failures += 1
                limit = self._breaker.failures
                if limit and (was_tried or self._failures >= limit):
                    self._opened_at = self._now()
            elif isinstance(error, CancelledError):
                pass  # Nobody knows what it would have been.
            elif error is None or isinstance(error, Error):  # Even "no" is an answer.
                self._failures = 0
                self._opened_at = None


class Endpoints(Generic[Channel]):
    """Addresses that have the same models. Thread-safe.

    A call goes to the one with the fewest calls on their way, and if there are several,
    to each in turn.
    """

    def __init__(self, endpoints: Sequence[Endpoint[Channel]]) -> None:
        if not endpoints:
            raise InvalidArgumentError("expected the address of a server, got none")
        self._endpoints = tuple(endpoints)
        self._lock = threading.Lock()
        self._next = 0

    def __iter__(self) -> Iterator[Endpoint[Channel]]:
        return iter(self._endpoints)

    def begin(self, tried: Collection[Endpoint[Channel]] = ()) -> Endpoint[Channel]:
        """The one that a call should go to; its ``end`` is to be called after it.

        Args:
            tried: To be avoided, if there are others.

        Raises:
            UnavailableError: All have been given up for now.
        """
        with self._lock:
            first, self._next = self._next, (self._next + 1) % len(self._endpoints)
        in_turn = self._endpoints[first:] + self._endpoints[:first]
        for endpoint in sorted(in_turn, key=lambda each: (each in tried, each.calls)):
            if endpoint.begin():
                return endpoint
        addresses = ", ".join(endpoint.address for endpoint in self._endpoints)
        raise UnavailableError(
            f"{addresses}: given up for now, since too many calls have failed"
        )
