# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Strategies side by side: loss over steps and over time, and how stale steps are."""

from __future__ import annotations

import importlib
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.begin import check_what
from training.cluster.common import check_precision
from training.cluster.config import Task
from training.cluster.curve import Point, read_curve
from training.cluster.launch import RUNS, read_result, running
from training.compare.slow import slowed
from training.errors import TrainingError
from training.files import held
from training.options import WORKERS, FitOptions
from training.strategies import CLUSTERS, STRATEGIES, check_options

SHORT = {"sync": "multi-worker", "async": "ps-async"}
"""What the command line calls the two kinds."""

MARK = ".comparison"
"""A file in each folder that the next comparison may replace."""

_SMOOTH = 20


@dataclass(frozen=True)
class Compared:
    """What came of one strategy.

    Attributes:
        strategy: Its name.
        held_out: The metric on held-out rows.
        points: Each step, in the order of time.
        rows: Rows of a step.
        setup_seconds: From the begin until the first step was done.
    """

    strategy: str
    held_out: float
    points: tuple[Point, ...]
    rows: int
    setup_seconds: float

    @property
    def seconds(self) -> float:
        """From the first step to the last: what starts processes is left out."""
        return self.points[-1].seconds - self.points[0].seconds

    @property
    def steps_per_second(self) -> float:
        """Of the cluster, from the first step that the chief saw on."""
        after = self.steps - self.points[0].step
        return after / self.seconds if self.seconds > 0 else 0.0

    @property
    def steps(self) -> int:
        """Of the cluster: of a few, the chief of ps-sync sees only the next."""
        return max(point.step for point in self.points)

    @property
    def staleness(self) -> float:
        """How many steps of others came between, on average."""
        return sum(point.staleness for point in self.points) / len(self.points)

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "strategy": self.strategy,
            "held_out": self.held_out,
            "steps": self.steps,
            "rows_per_step": self.rows,
            "seconds": round(self.seconds, 3),
            "steps_per_second": round(self.steps_per_second, 2),
            "rows_per_second": round(self.steps_per_second * self.rows, 1),
            "mean_staleness": round(self.staleness, 3),
            "greatest_staleness": max(point.staleness for point in self.points),
            "setup_seconds": round(self.setup_seconds, 1),
        }

    def summary(self) -> str:
        """A line for a person."""
        return (
            f"{self.strategy}: {self.steps} steps of {self.rows} rows in "
            f"{self.seconds:.1f} s ({self.steps_per_second:.1f} per second), held-out "
            f"{self.held_out:.4f}, staleness {self.staleness:.2f} on average, "
            f"{max(point.staleness for point in self.points)} at most"
        )


def strategy_of(name: str) -> str:
    """The strategy that a name of the command line stands for.

    Raises:
        TrainingError: It has no cluster, or there is no such strategy.
    """
    strategy = SHORT.get(name, name)
    if strategy not in CLUSTERS:
        raise TrainingError(
            f"{name!r} cannot be compared: choose among "
            f"{', '.join((*SHORT, *CLUSTERS))}"
        )
    return strategy


def compare(
    names: Sequence[str], options: FitOptions, *, slow_seconds: float = 0.0
) -> list[Compared]:
    """Trains by each strategy, one after the other.

    Args:
        names: `SHORT` names, or strategies that have a cluster.
        options: Of all; ``batch_size`` is the rows that a worker has in a step.
        slow_seconds: How long the last worker stands still after each 50 ms of work.
    """
    strategies = [strategy_of(name) for name in names]
    for strategy in strategies:
        if strategies.count(strategy) > 1:
            raise TrainingError(
                f"{strategy} is named twice, and has one folder: name each strategy "
                "once"
            )
        chosen = _options_of(strategy, options)
        # Each member would refuse it, when others have been trained.
        check_options(chosen)
        check_what(chosen)
        if strategy != "multi-worker":
            check_precision(chosen)
    return [_measure(strategy, options, slow_seconds) for strategy in strategies]


def _measure(strategy: str, options: FitOptions, slow_seconds: float) -> Compared:
    module = importlib.import_module(STRATEGIES[strategy])
    options = _options_of(strategy, options)
    workers, folder = options.workers, options.run_folder
    assert workers is not None
    assert folder is not None
    forget(folder)
    (folder / MARK).touch()
    with (
        running(options, module.plan(options)) as (supervisor, run_folder),
        ExitStack() as stack,
    ):
        begin = time.time()
        pid = supervisor.pid(Task("worker", workers - 1))
        stack.enter_context(slowed(pid, slow_seconds))
        supervisor.run()
    points = tuple(sorted(read_curve(run_folder), key=lambda point: point.seconds))
    return Compared(
        strategy=strategy,
        held_out=read_result(run_folder).held_out,
        points=points,
        rows=options.batch_size,
        setup_seconds=points[0].seconds - begin,
    )


def _options_of(strategy: str, options: FitOptions) -> FitOptions:
    """Those of one strategy, with folders of its own."""
    workers = options.workers or WORKERS
    return replace(
        options,
        strategy=strategy,
        batch_size=options.batch_size * (1 if strategy == "ps-async" else workers),
        workers=workers,
        servers=None if strategy == "multi-worker" else options.servers,
        run_folder=(options.run_folder or RUNS / "compare") / strategy,
        checkpoints=None,
        # A checkpoint is where all wait for each other: one at the end.
        checkpoint_steps=options.steps,
    )


def forget(folder: Path) -> None:
    """Makes an empty folder of what an earlier comparison left: none goes on with it.

    Raises:
        TrainingError: It is of something else; or a comparison runs in it.
    """
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise TrainingError(
                f"{folder} has files, and not those of a comparison, which would "
                "replace them: choose another folder with --run-folder"
            )
        with held(folder, "--run-folder"):
            shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(
            f"{folder} cannot be written ({error.strerror}): choose another folder "
            "with --run-folder"
        ) from error


def smooth(values: Sequence[float], width: int = _SMOOTH) -> list[float]:
    """The mean of the last ``width`` values at each place."""
    means = []
    for index in range(len(values)):
        last = values[max(0, index - width + 1) : index + 1]
        means.append(sum(last) / len(last))
    return means
