# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ray's cluster: each part is a task, which Ray runs again if its node dies.

https://docs.ray.io/en/latest/ray-core/fault_tolerance/tasks.html
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tfnative._model import Model
from tfnative._score.job import Counts
from tfnative._score.plan import Unit
from tfnative._score.task import Task, Watch
from tfnative._shipping.ray import Shipped, ray_package, ship
from tfnative.errors import Error, InternalError, UnavailableError

_RETRIES = 4
"""How often a task whose process or node died begins again."""

_IN_FLIGHT = 1000
"""Tasks that are given to Ray at a time, which keeps all that it is given in memory."""


class RayEngine:
    """See ``Engine``.

    Takes the cluster that this process is connected to, or connects to that of
    RAY_ADDRESS, or to one of this machine, which is started if need be.
    """

    def check(self) -> None:
        """See ``Engine``."""
        ray = ray_package()
        if ray.is_initialized():
            return
        try:
            ray.init(logging_level="warning", log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UnavailableError(f"cannot connect to Ray: {error}") from None

    def pieces(self) -> int:
        """Each part by itself: no more than that is done again."""
        return sys.maxsize

    def run(
        self, task: Task, model: Model, units: Sequence[Unit], watch: Watch
    ) -> None:
        """See ``Engine``."""
        ray = ray_package()
        given = (ray.put(task), ship(model.path))
        threads = task.options.threads
        remote = ray.remote(
            num_cpus=threads if isinstance(threads, int) else 1,
            max_retries=_RETRIES,
        )(_run)
        left = list(reversed(units))
        running: dict[Any, Unit] = {}
        try:
            while left or running:
                while left and len(running) < _IN_FLIGHT:
                    unit = left.pop()
                    running[remote.remote(*given, unit)] = unit
                for reference in ray.wait(list(running))[0]:
                    watch.done(running.pop(reference), _result(ray, reference))
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _run(task: Task, shipped: Shipped, unit: Unit) -> Any:
    """In a process of the cluster. An error of ours is no reason to try again."""
    try:
        return list(task.run(unit, shipped.path()))
    except Error as error:
        return error


def _result(ray: Any, reference: Any) -> Sequence[Counts]:
    try:
        found: Sequence[Counts] | Error = ray.get(reference)
    except ray.exceptions.RayError as error:
        raise InternalError(
            f"Ray gave up a part, after {_RETRIES} more trials if its process died: "
            f"{' '.join(str(error).split())}"
        ) from None
    if isinstance(found, Error):
        raise found
    return found


ENGINE = RayEngine()
