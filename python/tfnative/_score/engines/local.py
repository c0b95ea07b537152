# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""This process, with all processors of the machine.

Units run side by side, each with its own share of the processors: threads of one call
wait for each other at its end, and reading and writing do not get faster by them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tfnative._backends.load import load
from tfnative._model import Model
from tfnative._score.job import Counts
from tfnative._score.plan import Unit
from tfnative._score.task import Task, Watch
from tfnative._score.unit import Work, score_unit
from tfnative.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Iterator


class LocalEngine:
    """See ``Engine``."""

    def check(self) -> None:
        """It is always there."""

    def pieces(self) -> int:
        """Some for each processor, so that none waits long for the last."""
        return 4 * len(os.sched_getaffinity(0))

    def run(
        self, task: Task, model: Model, units: Sequence[Unit], watch: Watch
    ) -> None:
        """See ``Engine``."""
        processors = len(os.sched_getaffinity(0))
        asked = task.options.threads
        each = asked if isinstance(asked, int) else 1
        workers = max(1, min(len(units), processors // each))
        with _with_threads(model, task, max(each, processors // workers)) as own:
            work = Work(own, task.columned, task.folder, task.skips)
            _Run(work, task, watch).all(units, workers)


@contextmanager
def _with_threads(model: Model, task: Task, threads: int) -> Iterator[Model]:
    """The model with as many threads, where they are ours to choose."""
    options = task.options
    if options.threads != 1 or threads == 1 or options.backend == "tensorflow":
        yield model
        return
    with load(model.path, options=replace(options, threads=threads)) as own:
        yield own


class _Run:
    def __init__(self, work: Work, task: Task, watch: Watch) -> None:
        self._work = work
        self._task = task
        self._watch = watch
        self._lock = threading.Lock()
        self._ends = False

    def all(self, units: Sequence[Unit], workers: int) -> None:
        """Runs units side by side. The first error ends them."""
        with ThreadPoolExecutor(workers, "tfnative-score") as pool:
            left: dict[Future[Sequence[Counts]], Unit] = {
                pool.submit(self._run, unit): unit for unit in units
            }
            try:
                while left:
                    for future in wait(left, return_when=FIRST_COMPLETED).done:
                        parts = future.result()
                        with self._lock:
                            self._watch.done(left.pop(future), parts)
            except BaseException:
                self._ends = True
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _run(self, unit: Unit) -> Sequence[Counts]:
        return score_unit(self._work, unit, self._task.sources[unit.source], self._add)

    def _add(self, rows: int) -> None:
        """After each batch; whatever is raised here ends its part, and leaves none."""
        if self._ends:
            raise CancelledError("another part of the job failed")
        with self._lock:
            self._watch.add(rows)


ENGINE = LocalEngine()
