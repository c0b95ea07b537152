# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Contestants that take turns, what they did, and how that is judged."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.batching import rounds as of
from benchmarks.batching.rounds import Round
from benchmarks.batching.servers import CONTESTANTS, Batching
from benchmarks.prepare import Prepared
from benchmarks.process import WorkerProcess


@dataclass(frozen=True)
class Turns:
    """What a contestant did in all rounds.

    Attributes:
        contestant: Its name.
        rounds: One for each, in order; none if there is a problem.
        problem: Why there are none, or "".
    """

    contestant: str
    rounds: tuple[Round, ...] = ()
    problem: str = ""

    def median(self, value: str) -> float | None:
        """The median of an attribute of its rounds."""
        return of.median(self.rounds, value)

    def ratio(self, to: Turns, value: str) -> float | None:
        """The median of the ratios within rounds."""
        return of.ratio(self.rounds, to.rounds, value)

    def difference(self, to: Turns, value: str) -> float | None:
        """The median of the differences within rounds."""
        return of.difference(self.rounds, to.rounds, value)

    def as_json(self) -> dict[str, Any]:
        """All that is known."""
        return {
            "contestant": self.contestant,
            "rows_per_second": self.median("rows_per_second"),
            "micros_per_row": self.median("micros_per_row"),
            "cpu_micros_per_row": self.median("cpu_micros_per_row"),
            "p50_micros": self.median("p50_micros"),
            "p99_micros": self.median("p99_micros"),
            "problem": self.problem,
            "rounds": [asdict(one) for one in self.rounds],
        }


@dataclass(frozen=True)
class Verdict:
    """A target, and whether it is met.

    Attributes:
        what: Was measured.
        value: What came out; None if nothing did.
        target: What it should be.
        at_least: Whether that is the least it should be, or the most.
        unit: "µs", or "" for a fraction.
    """

    what: str
    value: float | None
    target: float
    at_least: bool
    unit: str

    @property
    def met(self) -> bool:
        """Whether it is; not without a value."""
        if self.value is None:
            return False
        return self.value >= self.target if self.at_least else self.value <= self.target


@dataclass(frozen=True)
class Player:
    """Who takes part: a process, and what to ask it for.

    Attributes:
        contestant: Its name.
        process: Answers with rounds; or why there is none.
        line: What it is asked.
    """

    contestant: str
    process: WorkerProcess | str
    line: str


def take_turns(players: Sequence[Player], rounds: int) -> list[Turns]:
    """Asks one after the other, round by round."""
    found: list[list[Round]] = [[] for _ in players]
    for _ in range(rounds):
        for player, its_rounds in zip(players, found, strict=True):
            if isinstance(player.process, str):
                continue
            said = player.process.ask(player.line)
            if said is not None:
                its_rounds.append(Round(**said))
    return [
        _turns(player, its_rounds)
        for player, its_rounds in zip(players, found, strict=True)
    ]


def start_worker(
    contestant: str, model: Prepared, answer: Path, rows: int, batching: Batching
) -> WorkerProcess | str:
    """A process that serves a model, asked for so many rows at once; or why not."""
    if model.model is None:
        return model.problem
    options = [contestant, model.model, answer, rows, *asdict(batching).values()]
    command = [sys.executable, "-m", "benchmarks.batching.worker", *map(str, options)]
    # Libraries that go by OpenMP have one thread for each of ours.
    return WorkerProcess(contestant, command, {"OMP_NUM_THREADS": "1"})


def runtimes_of(contestants: Iterable[str]) -> tuple[str, ...]:
    """What a model has to be converted for."""
    return tuple(dict.fromkeys(CONTESTANTS[name].runtime for name in contestants))


def close(processes: Iterable[WorkerProcess | str]) -> None:
    """Ends those that there are."""
    for process in processes:
        if isinstance(process, WorkerProcess):
            process.close()


def _turns(player: Player, rounds: list[Round]) -> Turns:
    if isinstance(player.process, str):
        return Turns(player.contestant, problem=player.process)
    if player.process.problem:
        return Turns(player.contestant, problem=player.process.problem)
    return Turns(player.contestant, tuple(rounds))
