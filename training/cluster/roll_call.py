# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Who has not come: TensorFlow itself waits for members without end or word."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from training.cluster.config import Cluster, Task
from training.cluster.ports import listens
from training.errors import ClusterError

_PAUSE_SECONDS = 0.2


def missing(cluster: Cluster, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    """Those of the tasks at whose address nobody listens now."""
    return tuple(task for task in tasks if not listens(cluster.address_of(task)))


def peers(cluster: Cluster, jobs: tuple[str, ...]) -> tuple[Task, ...]:
    """The other members of these jobs."""
    return tuple(
        task for task in cluster.members() if task.job in jobs and task != cluster.task
    )


def wait_for(
    cluster: Cluster,
    tasks: tuple[Task, ...],
    timeout_seconds: float,
    *,
    ended: Callable[[], bool] = lambda: False,
) -> None:
    """Waits until each of the tasks has been seen listening once.

    Raises:
        ClusterError: Some were not seen in time; the message names them.
    """
    begin = time.monotonic()
    while not ended():
        tasks = missing(cluster, tasks)
        if not tasks:
            return
        if time.monotonic() - begin > timeout_seconds:
            who = ", ".join(f"{task} ({cluster.address_of(task)})" for task in tasks)
            raise ClusterError(
                f"{cluster.task} waited {timeout_seconds:g} s for {who} in vain: start "
                "the missing members with the same TF_CONFIG, or give them more time "
                "with --join-seconds"
            )
        time.sleep(_PAUSE_SECONDS)


@contextmanager
def roll_call(
    cluster: Cluster, jobs: tuple[str, ...], timeout_seconds: float
) -> Iterator[None]:
    """Ends this process, with a message, if a peer does not come while the block runs.

    The block is what waits inside TensorFlow, where no exception can reach it.
    """
    over = threading.Event()

    def watch() -> None:
        try:
            wait_for(cluster, peers(cluster, jobs), timeout_seconds, ended=over.is_set)
        except ClusterError as error:
            print(f"training: {error}", file=sys.stderr, flush=True)
            os._exit(1)

    thread = threading.Thread(target=watch, daemon=True, name="roll call")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
