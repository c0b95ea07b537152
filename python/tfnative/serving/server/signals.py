# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Signals that tell a server to end."""

from __future__ import annotations

import asyncio
import os
import signal
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def ended_by_signal() -> asyncio.Event:
    """Is set at the first SIGTERM or SIGINT. At the second, the process ends at once.

    For the main thread's event loop.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        ended.set()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            # Not the default action, which process 1 of a container does not have.
            signal.signal(number, _leave)

    for number in _SIGNALS:
        loop.add_signal_handler(number, end)
    return ended


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    os._exit(128 + number)
