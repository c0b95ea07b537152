# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Many callers in a closed loop: how much of the model's own speed they get.

And, since the same processes can tell, how long rows wait when less is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.batching import native, queueing
from benchmarks.batching.plan import Plan, Say, Workload, make_workload
from benchmarks.batching.queueing import Queueing
from benchmarks.batching.servers import Batching
from benchmarks.batching.turns import (
    Player,
    Turns,
    Verdict,
    close,
    runtimes_of,
    start_worker,
    take_turns,
)
from benchmarks.process import WorkerProcess

TARGET = 0.9
"""Of the rows per second of the model itself."""
OURS = ("tfnative", "tfnative-asyncio", "tfnative-c++")
SPEED = "rows_per_second"


@dataclass(frozen=True)
class Throughput:
    """Callers in a closed loop, each with one row.

    Attributes:
        model: Its name.
        batching: What all contestants were asked for.
        callers: How many.
        one_thread: The model itself: one thread that calls it with full batches.
        all_threads: As many threads as there are batch threads.
        ours: tfnative's batcher: for Python's threads, for coroutines, for C++.
        peers: The others.
    """

    model: str
    batching: Batching
    callers: int
    one_thread: Turns
    all_threads: Turns
    ours: tuple[Turns, ...]
    peers: tuple[Turns, ...]

    @property
    def name(self) -> str:
        """Tells it from others."""
        return f"{self.model}, {self.batching.threads}"

    @property
    def everyone(self) -> tuple[Turns, ...]:
        """The model itself first; once, if there is one batch thread."""
        is_one = self.batching.num_batch_threads == 1
        alone = (self.one_thread,) if is_one else (self.one_thread, self.all_threads)
        return (*alone, *self.ours, *self.peers)

    def fraction(self, turns: Turns) -> float | None:
        """Of what the model does on all threads."""
        return turns.ratio(self.all_threads, SPEED)

    @property
    def verdicts(self) -> list[Verdict]:
        """For each way to call our batcher."""
        return [
            Verdict(
                f"{self.name}: {turns.contestant}, of the model's own speed",
                self.fraction(turns),
                TARGET,
                at_least=True,
                unit="",
            )
            for turns in self.ours
        ]

    def as_json(self) -> dict[str, Any]:
        """All that is known."""
        contestants = [
            {
                **turns.as_json(),
                "of_one_thread": turns.ratio(self.one_thread, SPEED),
                "of_all_threads": self.fraction(turns),
                "to_tfnative": turns.ratio(self.ours[0], SPEED),
            }
            for turns in self.everyone
        ]
        return {
            "model": self.model,
            **asdict(self.batching),
            "callers": self.callers,
            "contestants": contestants,
        }


def measure(
    plan: Plan, program: Path | str, say: Say
) -> Iterator[Throughput | Queueing]:
    """Measures one model and number of batch threads after the other.

    Args:
        plan: What to measure.
        program: What ``native.build`` returned, or why there is none.
        say: Shows what is being done.
    """
    for model in plan.models:
        names = ("tfnative", *plan.peers)
        workload = make_workload(model, runtimes_of(names), plan.folder, say)
        for threads in plan.batch_threads:
            batching = workload.batching(plan, threads)
            say(f"{model}, {batching.threads}: measure")
            processes = _start(workload, batching, plan, program)
            found = _throughput(processes, workload, batching, plan)
            yield found
            yield queueing.measure(processes["tfnative-c++"], found, plan)
            close(processes.values())


def _start(
    workload: Workload, batching: Batching, plan: Plan, program: Path | str
) -> dict[str, WorkerProcess | str]:
    names = ("model", "tfnative", "tfnative-asyncio", *plan.peers)
    processes: dict[str, WorkerProcess | str] = {}
    for name in names:
        (runtime,) = runtimes_of([name])
        rows = batching.max_batch_size if name == "model" else 1
        model = workload.runtimes[runtime]
        processes[name] = start_worker(name, model, workload.answer, rows, batching)
    ours = workload.runtimes["tfnative"]
    if isinstance(program, str) or ours.model is None:
        processes["tfnative-c++"] = f"{program}" if ours.model else ours.problem
    else:
        processes["tfnative-c++"] = native.start(
            program, "tfnative-c++", batching, ours.model, workload.answer
        )
    return processes


def _throughput(
    processes: dict[str, WorkerProcess | str],
    workload: Workload,
    batching: Batching,
    plan: Plan,
) -> Throughput:
    def player(name: str, callers: int, process: str = "", load: str = "") -> Player:
        line = f"{load}{callers} {plan.seconds}"
        return Player(name, processes[process or name], line)

    threads = batching.num_batch_threads
    alone = [player("model, 1 thread", 1, "model")]
    if threads > 1:
        alone.append(player(f"model, {threads} threads", threads, "model"))
    ours = [
        *(player(name, plan.callers) for name in OURS[:2]),
        player(OURS[2], plan.callers, load="blocking "),
    ]
    peers = [player(name, plan.callers) for name in plan.peers]
    turns = tuple(take_turns([*alone, *ours, *peers], plan.rounds))
    begin, middle = len(alone), len(alone) + len(ours)
    return Throughput(
        workload.model,
        batching,
        plan.callers,
        one_thread=turns[0],
        all_threads=turns[begin - 1],
        ours=turns[begin:middle],
        peers=turns[middle:],
    )
