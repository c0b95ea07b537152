# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Spark's cluster: each part is a task, which Spark runs again if its executor dies."""

from __future__ import annotations

import functools
import sys
import threading
import uuid
from collections.abc import Sequence
from typing import Any

from tfnative._model import Model
from tfnative._score.job import Counts
from tfnative._score.plan import Unit
from tfnative._score.task import Task, Watch
from tfnative._shipping.spark import Shipped, ship, spark_session
from tfnative.errors import Error, InternalError

_SECONDS = 0.2
"""How often it is looked what tasks have done."""

_LONGEST = 2000
"""Of Spark's messages, which have the stacks of two languages in them."""


class SparkEngine:
    """See ``Engine``.

    Takes this program's session, or makes one as Spark's settings have it.
    """

    def check(self) -> None:
        """See ``Engine``."""
        spark_session()

    def pieces(self) -> int:
        """Each part by itself: no more than that is done again."""
        return sys.maxsize

    def run(
        self, task: Task, model: Model, units: Sequence[Unit], watch: Watch
    ) -> None:
        """See ``Engine``."""
        if not units:
            return
        context = spark_session().sparkContext
        job = _Job(context, task, ship(context, model.path), units)
        job.start()
        told = 0
        try:
            while job.is_alive() or told < len(job.results):
                job.join(_SECONDS)
                for unit, found in job.results[told:]:
                    if isinstance(found, Error):
                        raise found
                    watch.done(unit, found)
                    told += 1
        finally:
            job.end()
        if told < len(units):
            raise InternalError(
                f"Spark gave up with {len(units) - told} of {len(units)} parts left: "
                f"{job.failure or 'it does not say why'}"
            )


class _Job(threading.Thread):
    """A job of Spark's, which blocks the thread that starts it until its end.

    Attributes:
        results: What became of the units that are done, as (unit, parts or error).
            Spark counts each task once in it, however often it ran.
        failure: Why Spark gave up, if it did.
    """

    def __init__(
        self, context: Any, task: Task, shipped: Shipped, units: Sequence[Unit]
    ) -> None:
        super().__init__(name="tfnative-spark", daemon=True)
        self._context = context
        self._units = units
        self._group = f"tfnative-{uuid.uuid4()}"
        self._accumulator = context.accumulator([], _lists())
        self._run = functools.partial(_run, task, shipped, self._accumulator)
        self.failure = ""

    @property
    def results(self) -> Sequence[Any]:
        found: Sequence[Any] = self._accumulator.value
        return found

    def run(self) -> None:
        self._context.setJobGroup(self._group, "tfnative score")
        rows = self._context.parallelize(list(self._units), len(self._units))
        try:
            rows.foreach(self._run)
        except Exception as error:  # Of Java, as Spark has it.
            self.failure = " ".join(str(error).split())[:_LONGEST]

    def end(self) -> None:
        """Stops what is left, and waits for it."""
        if self.is_alive():
            self._context.cancelJobGroup(self._group)
            self.join()


def _run(task: Task, shipped: Shipped, results: Any, unit: Unit) -> None:
    """In a process of an executor. An error of ours is no reason to try again."""
    found: list[Counts] | Error
    try:
        found = list(task.run(unit, shipped.path()))
    except Error as error:
        found = error
    results.add([(unit, found)])


def _lists() -> Any:
    from pyspark.accumulators import AccumulatorParam

    class Lists(AccumulatorParam):  # type: ignore[misc]
        def zero(self, value: Any) -> Any:
            del value
            return []

        def addInPlace(self, one: Any, other: Any) -> Any:  # noqa: N802
            one += other
            return one

    return Lists()


ENGINE = SparkEngine()
