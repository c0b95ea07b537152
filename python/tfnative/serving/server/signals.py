# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Signals that tell a server to end."""

from __future__ import annotations

import asyncio
import os
import signal
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def ended_by_signal() -> asyncio.Event:
    """Is set at the first SIGTERM, SIGINT or SIGHUP. At the second, the process ends.

    For the main thread's event loop, which handles them between two of its steps: an
    exception would be raised wherever the thread happens to be, as in the answer to a
    request, which makes a reply of whatever is raised. SIGHUP stays set aside where
    whoever started the process did that, as nohup does.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    is_set_aside = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    signals = _SIGNALS[:2] if is_set_aside else _SIGNALS

    def end() -> None:
        ended.set()
        for number in signals:
            loop.remove_signal_handler(number)
            # Not the default action, which process 1 of a container does not have.
            signal.signal(number, _leave)

    for number in signals:
        loop.add_signal_handler(number, end)
    return ended


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    os._exit(128 + number)
