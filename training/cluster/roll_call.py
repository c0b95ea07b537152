# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Who has not come: TensorFlow itself waits for members without end or word.

It does so where neither an exception nor another thread can reach it, so members wait
for each other before.
"""

from __future__ import annotations

import time

from training.cluster.config import Cluster, Task
from training.cluster.ports import listening, listens, places
from training.errors import ClusterError

_PAUSE_SECONDS = 0.2


def missing(cluster: Cluster, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    """Those of the tasks at whose address nobody listens now."""
    return tuple(task for task in tasks if not listens(cluster.address_of(task)))


def peers(cluster: Cluster, *jobs: str) -> tuple[Task, ...]:
    """The other members of these jobs."""
    return tuple(
        task for task in cluster.members() if task.job in jobs and task != cluster.task
    )


def wait_for(cluster: Cluster, tasks: tuple[Task, ...], timeout_seconds: float) -> None:
    """Waits until each of the tasks has been seen listening once.

    Raises:
        ClusterError: Some were not seen in time; the message names them. Or two members
            have the same place by different names, so that one sees itself as another.
    """
    begin = time.monotonic()
    while tasks := missing(cluster, tasks):
        if time.monotonic() - begin > timeout_seconds:
            if cluster.task in tasks:
                raise ClusterError(
                    f"{cluster.task} cannot be reached at {cluster.address}, which is "
                    "to be its own address: correct it in TF_CONFIG"
                )
            who = ", ".join(f"{task} ({cluster.address_of(task)})" for task in tasks)
            raise ClusterError(
                f"{cluster.task} waited {timeout_seconds:g} s for {who} in vain: start "
                "the missing members with the same TF_CONFIG, or give them more time "
                "with --join-seconds"
            )
        time.sleep(_PAUSE_SECONDS)
    _check_distinct(cluster)


def _check_distinct(cluster: Cluster) -> None:
    taken: dict[tuple[str, int], Task] = {}
    for task in cluster.members():
        for place in places(cluster.address_of(task)):
            other = taken.setdefault(place, task)
            if other != task:
                raise ClusterError(
                    f"{other} ({cluster.address_of(other)}) and {task} "
                    f"({cluster.address_of(task)}) are both at {place[0]}, port "
                    f"{place[1]}: give each a place of its own in TF_CONFIG"
                )


def meet(cluster: Cluster, tasks: tuple[Task, ...], timeout_seconds: float) -> None:
    """Waits as `wait_for` does, and can be seen meanwhile by those who wait for it.

    Who has seen all goes on to TensorFlow, whose server is what the others see then.
    TensorFlow asks for this member by its own address, too, so it is to see itself.

    Raises:
        ClusterError: Some were not seen in time; or this member's port is in use, or
            its address leads elsewhere.
    """
    address = cluster.address
    assert address is not None
    with listening(address, str(cluster.task)):
        wait_for(cluster, (*tasks, cluster.task), timeout_seconds)
