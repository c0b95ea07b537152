# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a server does when it is about to run out of file descriptors.

The system gives each connection the lowest number that is free, so that the number
itself says how many are in use, whoever uses them. The last ones are kept: models,
tokens and certificates are read from files.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
import time
from collections.abc import Callable
from typing import Any

_logger = logging.getLogger("tfnative.serving")

RESERVE = 64
"""Descriptors that connections over REST leave free."""
_LEAST_CONNECTIONS = 16
"""That there may be however few descriptors the process may have."""
_QUIET_SECONDS = 60.0
_NO_MORE = "socket.accept() out of system resource"
"""How asyncio begins to say that there are none left, for each try."""
_TRY_AGAIN = "_start_serving"
"""And what of it fails if the socket is closed by then."""
_NONE_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_FAILURE_SECONDS = 0.5


class Sometimes:
    """Says whether something is due that must not happen often. For one thread."""

    def __init__(
        self,
        seconds: float = _QUIET_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._now = now
        self._next = float("-inf")

    def is_due(self) -> bool:
        """Whether it may happen now; if so, it is taken to happen."""
        now = self._now()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


class SparingSocket(socket.socket):
    """A socket that listens, and ends connections that would take the last descriptors.

    For asyncio, which it tells at most once a second that none is left: asyncio asks
    thousands of times in a row, and would try again later once for each time.
    """

    def __init__(self, *arguments: int) -> None:
        super().__init__(*arguments)
        self._may_log = Sometimes()
        self._may_fail = Sometimes(_FAILURE_SECONDS)

    def accept(self) -> tuple[socket.socket, Any]:
        """See ``socket.socket``.

        Raises:
            BlockingIOError: Nobody waits, or whoever did was turned away.
            OSError: There is no descriptor left.
        """
        try:
            connection, address = super().accept()
        except OSError as error:
            if error.errno not in _NONE_LEFT or self._may_fail.is_due():
                raise
            raise BlockingIOError from None
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = max(limit - RESERVE, limit // 2, _LEAST_CONNECTIONS)
        if limit == resource.RLIM_INFINITY or connection.fileno() < most:
            return connection, address
        connection.close()
        if self._may_log.is_due():
            _log_shortage(f"of {limit} file descriptors, {most} are in use")
        raise BlockingIOError


def quieten_shortage(loop: asyncio.AbstractEventLoop) -> None:
    """Has the loop log once a minute that it cannot accept connections.

    asyncio says so for each try, and tries again by itself after a second; also if the
    socket has been closed meanwhile, of which nobody has to hear.
    """
    may_log = Sometimes()
    former = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        message, error = str(context.get("message", "")), context.get("exception")
        if message.startswith(_NO_MORE):
            if may_log.is_due():
                _log_shortage(str(error or "no file descriptor is left"))
        elif _TRY_AGAIN in message and isinstance(error, ValueError):
            pass
        elif former is not None:
            former(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


def _log_shortage(what: str) -> None:
    _logger.error(
        "connections over REST are refused: %s; allow the process more, as with"
        " `ulimit -n` or LimitNOFILE, or have fewer clients",
        what,
    )
