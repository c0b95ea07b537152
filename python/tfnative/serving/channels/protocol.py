# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What channels do, whichever way they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from tfnative.serving.calls import Call

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Pending(Protocol[T_co]):
    """A call on its way."""

    def result(self, timeout: float | None = None) -> T_co:
        """Its answer. Raises what went wrong, and TimeoutError after the timeout."""

    def cancel(self) -> None:
        """Gives it up."""

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Has it called when it is over, by any thread."""


class Channel(Protocol):
    """A connection to a server; it is made when it is first needed. Thread-safe."""

    def call(self, call: Call[T], timeout: float | None) -> T:
        """Sends a call and waits for the answer.

        Args:
            call: What to ask.
            timeout: For how many seconds at most.

        Raises:
            Error: What the server says, or that it cannot be reached.
        """

    def start(self, call: Call[T], timeout: float | None) -> Pending[T]:
        """Likewise, without waiting."""

    def close(self) -> None:
        """Lets the connection go. Calls on their way fail."""


class AsyncChannel(Protocol):
    """A connection to a server, for the event loop that first uses it."""

    async def call(self, call: Call[T], timeout: float | None) -> T:
        """Sends a call and waits for the answer; see ``Channel``."""

    async def close(self) -> None:
        """Lets the connection go. Calls on their way fail."""
