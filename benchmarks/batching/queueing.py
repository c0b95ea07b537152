# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How long rows wait for their run under a load that leaves some room.

Rows come at random moments, from C++, whether earlier ones are answered or not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.batching.plan import Plan
from benchmarks.batching.servers import Batching
from benchmarks.batching.throughput import Throughput
from benchmarks.batching.turns import Player, Turns, Verdict, take_turns
from benchmarks.process import WorkerProcess

LOAD = 0.7
"""Of what the batcher answers at most."""
BATCH_TIMES = 2
"""That 99 of 100 rows may wait, beside the timeout."""


@dataclass(frozen=True)
class Queueing:
    """Rows that come at random moments.

    Attributes:
        model: Its name.
        batching: As in ``Throughput``.
        offered_rows_per_second: How many come, on average.
        batch_micros: What a full batch takes while all batch threads run one.
        turns: What came about.
    """

    model: str
    batching: Batching
    offered_rows_per_second: float
    batch_micros: float
    turns: Turns

    @property
    def name(self) -> str:
        """Tells it from others."""
        return f"{self.model}, {self.batching.threads}"

    @property
    def allowed_micros(self) -> float:
        """The target for ``queued_p99_micros``."""
        return self.batching.batch_timeout_micros + BATCH_TIMES * self.batch_micros

    @property
    def verdicts(self) -> list[Verdict]:
        """The one target."""
        return [
            Verdict(
                f"{self.name}: p99 of queueing at {LOAD:.0%} load",
                self.turns.median("queued_p99_micros"),
                self.allowed_micros,
                at_least=False,
                unit="µs",
            )
        ]

    def as_json(self) -> dict[str, Any]:
        """All that is known."""
        return {
            "model": self.model,
            **asdict(self.batching),
            "offered_rows_per_second": self.offered_rows_per_second,
            "batch_micros": self.batch_micros,
            "queued_p99_micros": self.turns.median("queued_p99_micros"),
            "allowed_micros": self.allowed_micros,
            **self.turns.as_json(),
        }


def measure(
    process: WorkerProcess | str, throughput: Throughput, plan: Plan
) -> Queueing:
    """Offers a part of what was answered in a closed loop."""
    batching = throughput.batching
    capacity = throughput.ours[-1].median("rows_per_second") or 0.0
    alone = throughput.all_threads.median("rows_per_second") or 0.0
    rows = batching.max_batch_size * batching.num_batch_threads
    batch_micros = rows / alone * 1e6 if alone else 0.0
    line = f"open {LOAD * capacity} {plan.seconds}"
    (turns,) = take_turns([Player("tfnative-c++", process, line)], plan.rounds)
    return Queueing(throughput.model, batching, LOAD * capacity, batch_micros, turns)
