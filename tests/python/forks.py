# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Forks this process while its other threads are at work."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable

WATCHDOG_SECONDS = 60
"""After so long a child is ended: it hangs."""


def outcomes(
    job: Callable[[], object],
    work: Callable[[], object] | None = None,
    *,
    forks: int = 12,
    threads: int = 3,
) -> Counter[str]:
    """What came of so many children: "done", "failed" or "hung".

    Args:
        job: What each child does.
        work: What threads of this process do again and again meanwhile.
        forks: How many children there are, one after the other.
        threads: How many threads work.
    """
    is_over = threading.Event()

    def keep_working() -> None:
        while work is not None and not is_over.is_set():
            work()

    workers = [threading.Thread(target=keep_working) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        return Counter(_outcome(job) for _ in range(forks))
    finally:
        is_over.set()
        for worker in workers:
            worker.join()


def _outcome(job: Callable[[], object]) -> str:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            # Where it hangs is said first.
            faulthandler.register(signal.SIGALRM, sys.__stderr__, chain=True)
            signal.alarm(WATCHDOG_SECONDS)
            job()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {0: "done", -signal.SIGALRM: "hung"}.get(status, "failed")
