# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Starts a whole cluster on this machine, and waits for what its chief says.

Each member runs what ``TF_CONFIG=... python -m training fit`` runs. The chief leaves
its result in a file, since it may be another process than the one that began.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from training.cluster.config import Cluster, Task
from training.cluster.member import Job
from training.cluster.ports import reserved
from training.cluster.supervisor import APART, Supervisor
from training.data import open_data
from training.errors import ClusterError
from training.files import held
from training.options import FitOptions, Fitted

RUNS = Path("build/training/runs")
RESULT = "fitted.json"


@dataclass(frozen=True)
class Plan:
    """What a strategy needs of a cluster.

    Attributes:
        jobs: How many members of each job.
        until: Who has to be done.
        together: Whether all start again when one has to.
        target: What members call with the options, as ``module:function``.
    """

    jobs: Mapping[str, int]
    until: tuple[Task, ...]
    together: bool
    target: str = "training.fit:run_member"


def launch(
    options: FitOptions, plan: Plan, *, say: Callable[[str], None] | None = None
) -> Fitted:
    """Runs a cluster here until it has trained.

    Args:
        options: What to train. Without folders for the run or for checkpoints, new ones
            are made below ``build/training/runs``.
        plan: Who is needed.
        say: Told what happens; prints by default, unless ``verbose`` is 0.

    Raises:
        ClusterError: A member failed, or too many had to start again.
    """
    say = say or (_print if options.verbose else _say_nothing)
    with running(options, plan, say=say) as (supervisor, folder):
        supervisor.run(each=Follower(folder / log_name(plan.until[0]), say).look)
    return read_result(folder)


@contextmanager
def running(
    options: FitOptions, plan: Plan, *, say: Callable[[str], None] | None = None
) -> Iterator[tuple[Supervisor, Path]]:
    """A cluster that runs during the block, its supervisor, and the run's folder.

    Raises:
        TrainingError: Another cluster runs in that folder.
    """
    options = with_folders(options)
    folder = options.run_folder
    assert folder is not None
    # Written once, before several members would all begin to.
    open_data(options.data, options.data_folder)
    say = say or (_print if options.verbose else _say_nothing)
    with (
        held(folder, "--run-folder"),
        reserved(sum(plan.jobs.values())) as ports,
    ):
        (folder / RESULT).unlink(missing_ok=True)
        supervisor = Supervisor(
            _jobs(options, plan, ports, folder),
            folder,
            until=(*plan.until, Task(APART, 0)) if options.evaluator else plan.until,
            together=plan.together,
            say=say,
        )
        say(f"logs of the members: {folder}")
        with supervisor:
            yield supervisor, folder


def with_folders(options: FitOptions) -> FitOptions:
    """The options with a folder for the run, and one for its checkpoints."""
    folder = options.run_folder
    if folder is None:
        now = time.strftime("%Y%m%d-%H%M%S")
        folder = RUNS / f"{options.strategy}-{now}-{os.getpid()}"
    return replace(
        options,
        run_folder=folder,
        checkpoints=options.checkpoints or folder / "checkpoints",
    )


def read_result(folder: Path) -> Fitted:
    """What the chief left in the folder of a run."""
    try:
        known = json.loads((folder / RESULT).read_text())
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"the chief ended without a result in {folder / RESULT}: see its log there"
        ) from error
    output = known.pop("output")
    known["not_measured"] = tuple(known["not_measured"])
    return Fitted(model=None, output=Path(output) if output else None, **known)


def _jobs(options: FitOptions, plan: Plan, ports: list[int], folder: Path) -> list[Job]:
    left = iter(ports)
    addresses = {
        job: tuple(f"localhost:{next(left)}" for _ in range(count))
        for job, count in plan.jobs.items()
    }
    cluster = Cluster(addresses, plan.until[0])
    # It ends with the others, however long they take for a checkpoint.
    patient = replace(
        options, evaluator_seconds=options.evaluator_seconds or float("inf")
    )
    environment = {} if options.device == "gpu" else {"CUDA_VISIBLE_DEVICES": "-1"}
    tasks = list(cluster.members())
    if options.evaluator:
        tasks.append(Task(APART, 0))
    return [
        Job(
            cluster=cluster.as_task(task),
            target=plan.target,
            arguments=(patient if task.job == APART else options,),
            log=folder / log_name(task),
            environment=environment,
        )
        for task in tasks
    ]


def write_result(fitted: Fitted, folder: Path) -> None:
    """Leaves the chief's result for whoever started it: all of it, or nothing."""
    known = asdict(replace(fitted, model=None))
    known.pop("model")
    known["output"] = str(fitted.output) if fitted.output else None
    partial = folder / f"{RESULT}.partial"
    partial.write_text(json.dumps(known) + "\n")
    os.replace(partial, folder / RESULT)


class Follower:
    """Repeats what a log says of steps. One thread uses it."""

    def __init__(self, log: Path, say: Callable[[str], None]) -> None:
        """Begins at the log's end."""
        self._log = log
        self._say = say
        self._read = log.stat().st_size if log.exists() else 0

    def look(self) -> None:
        """Says the lines that are new."""
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            if line.startswith(("step ", "begins at step ")):
                self._say(line)


def log_name(task: Task) -> str:
    """Of a member's log, in the folder of the run."""
    return f"{task.job}-{task.index}.log"


def _say_nothing(text: str) -> None:
    """Where nobody wants to know."""


def _print(text: str) -> None:
    print(text, flush=True)
