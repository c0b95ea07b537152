# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What batching costs for each request, where there is next to nothing to compute.

Without a timeout, so that nobody waits on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.batching import native
from benchmarks.batching.plan import Plan, Say, make_workload
from benchmarks.batching.servers import Batching
from benchmarks.batching.turns import (
    Player,
    Turns,
    Verdict,
    close,
    start_worker,
    take_turns,
)

MODEL = "mlp"
MAX_BATCH_SIZE = 32
CPP_TARGET_MICROS = 2.0
PYTHON_TARGET_MICROS = 12.0


@dataclass(frozen=True)
class Overhead:
    """A way to ask, and what it costs.

    Attributes:
        name: Which way.
        batching: What the batcher was asked for.
        turns: With a batcher.
        without: The same without it: Python's calls of the model itself, or threads in
            C++ that only meet. None where that costs nothing.
        target_micros: For a request; None if there is no target.
    """

    name: str
    batching: Batching
    turns: Turns
    without: Turns | None
    target_micros: float | None

    @property
    def micros(self) -> float | None:
        """What batching adds to a request, of time that passes."""
        return self._added("micros_per_row")

    @property
    def cpu_micros(self) -> float | None:
        """And of processor time."""
        return self._added("cpu_micros_per_row")

    def _added(self, value: str) -> float | None:
        if self.without is None:
            return self.turns.median(value)
        return self.turns.difference(self.without, value)

    @property
    def verdicts(self) -> list[Verdict]:
        """One, if there is a target."""
        if self.target_micros is None:
            return []
        what = f"{self.name}, {self.batching.threads}: a request"
        return [Verdict(what, self.micros, self.target_micros, False, "µs")]

    def as_json(self) -> dict[str, Any]:
        """All that is known."""
        return {
            "name": self.name,
            **asdict(self.batching),
            "overhead_micros": self.micros,
            "overhead_cpu_micros": self.cpu_micros,
            "target_micros": self.target_micros,
            "with": self.turns.as_json(),
            "without": self.without and self.without.as_json(),
        }


def measure(plan: Plan, program: Path | str, say: Say) -> Iterator[Overhead]:
    """Measures every way, from C++ and from Python.

    Args:
        plan: What to measure.
        program: What ``native.build`` returned, or why there is none.
        say: Shows what is being done.
    """
    workload = make_workload(MODEL, ("tfnative",), plan.folder, say)
    model = workload.runtimes["tfnative"]
    for threads in plan.batch_threads:
        batching = Batching(MAX_BATCH_SIZE, 0, threads)
        say(f"overhead, {batching.threads}: measure")
        processes = {
            name: start_worker(name, model, workload.answer, 1, batching)
            for name in ("model", "tfnative", "tfnative-asyncio")
        }
        processes["nothing"] = (
            program
            if isinstance(program, str)
            else native.start(program, "nothing", batching)
        )
        players = [
            Player(name, processes[name], f"{load} {plan.seconds}")
            for name, load in _loads(plan.callers)
        ]
        turns = take_turns(players, plan.rounds)
        close(processes.values())
        yield from _overheads(batching, plan.callers, *turns)


def _loads(callers: int) -> list[tuple[str, str]]:
    """Of which process, and what."""
    return [
        ("nothing", f"blocking {callers}"),
        ("nothing", f"meeting {callers}"),
        ("nothing", f"submit {callers}"),
        ("nothing", "blocking 1"),
        ("tfnative", f"{callers}"),
        ("model", f"{callers}"),
        ("tfnative", "1"),
        ("model", "1"),
        ("tfnative-asyncio", f"{callers}"),
    ]


def _overheads(
    batching: Batching,
    callers: int,
    blocking: Turns,
    meeting: Turns,
    submit: Turns,
    single: Turns,
    threads: Turns,
    bare_threads: Turns,
    thread: Turns,
    bare_thread: Turns,
    tasks: Turns,
) -> list[Overhead]:
    """In the order of ``_loads``."""

    def from_cpp(name: str, turns: Turns, without: Turns | None = None) -> Overhead:
        return Overhead(f"C++, {name}", batching, turns, without, CPP_TARGET_MICROS)

    def from_python(name: str, turns: Turns, without: Turns) -> Overhead:
        target = PYTHON_TARGET_MICROS
        return Overhead(f"Python, {name}", batching, turns, without, target)

    return [
        from_cpp(f"{callers} threads in predict", blocking, meeting),
        from_cpp(f"submit, {callers} on their way", submit),
        from_cpp("1 thread in predict", single),
        from_python(f"{callers} threads", threads, bare_threads),
        from_python("1 thread", thread, bare_thread),
        Overhead(f"Python, {callers} coroutines", batching, tasks, None, None),
    ]
