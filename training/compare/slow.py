# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A worker that is slow now and then, as one on a busy machine is."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_RUNS_SECONDS = 0.05


@contextmanager
def slowed(pid: int, stopped_seconds: float) -> Iterator[None]:
    """Stops a process for some time after each twentieth of a second, in the block.

    Args:
        pid: The process; it may end meanwhile.
        stopped_seconds: How long it stands still each time; 0 does nothing.
    """
    if stopped_seconds <= 0:
        yield
        return
    over = threading.Event()

    def stop_and_go() -> None:
        while not over.wait(_RUNS_SECONDS):
            if not _send(pid, signal.SIGSTOP):
                return
            over.wait(stopped_seconds)
            _send(pid, signal.SIGCONT)

    thread = threading.Thread(target=stop_and_go, daemon=True, name="slow worker")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
