# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""This process, with a thread for each processor."""

from __future__ import annotations

from collections.abc import Sequence

from tfnative._model import Model
from tfnative._score.plan import Unit
from tfnative._score.task import Task, Watch
from tfnative._score.unit import Work, score_unit


class LocalEngine:
    """See ``Engine``. One unit after the other, and each as fast as can be."""

    def check(self) -> None:
        """It is always there."""

    def run(
        self, task: Task, model: Model, units: Sequence[Unit], watch: Watch
    ) -> None:
        """See ``Engine``."""
        work = Work(model, task.columned, task.folder, task.skips)
        for unit in units:
            source = task.sources[unit.source]
            watch.done(unit, score_unit(work, unit, source, watch.add))


ENGINE = LocalEngine()
