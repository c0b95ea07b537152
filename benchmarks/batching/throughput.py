# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Many callers in a closed loop: how much of the model's own speed they get."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.batching.plan import Plan, Workload
from benchmarks.batching.servers import Batching
from benchmarks.batching.turns import (
    Player,
    Turns,
    Verdict,
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
    processes: dict[str, WorkerProcess | str],
    workload: Workload,
    batching: Batching,
    plan: Plan,
) -> Throughput:
    """Has the model itself, our batchers and the others take turns.

    Args:
        processes: Of the contestants, by name; or why there is none.
        workload: What they run.
        batching: What they were asked for.
        plan: How long, and how often.
    """

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
