# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Times models in tfnative and its peers, in rounds that take turns.

Every contestant has a process of its own for each model and batch size. They run one
after the other, round by round, so that the drift of a shared machine hits all alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import models
from benchmarks.arithmetic import ARITHMETICS, FLOAT32
from benchmarks.limits import Limits
from benchmarks.prepare import Prepared, cpu_level, prepare, reference
from benchmarks.process import ContestantProcess
from benchmarks.results import Latency, Result


@dataclass(frozen=True)
class Plan:
    """What to measure, and how long.

    Attributes:
        models: Of benchmarks.models.EXPORTED.
        peers: Of the arithmetic's; tfnative always takes part.
        batch_sizes: Rows per call, or None for those of the arithmetic.
        threads: How many may work on one call.
        rounds: How often every contestant has its turn.
        seconds: How long a turn is.
        folder: Keeps exported and converted models for the next time.
        precision: Of benchmarks.arithmetic.ARITHMETICS.
    """

    models: tuple[str, ...]
    peers: tuple[str, ...]
    batch_sizes: tuple[int, ...] | None
    threads: int
    rounds: int
    seconds: float
    folder: Path
    precision: str = FLOAT32


def compare(plan: Plan, limits: Limits, say: Callable[[str], None]) -> Iterator[Result]:
    """Measures one model and batch size after the other.

    Args:
        plan: What to measure.
        limits: Of this machine.
        say: Shows what is being done.
    """
    for name in plan.models:
        saved_model = plan.folder / name
        if not saved_model.is_dir():
            say(f"{name}: export")
            models.export(name, plan.folder)
        asked = ARITHMETICS[plan.precision].batch_sizes_of(name)
        sizes = plan.batch_sizes or asked
        prepared = [
            prepare(contestant, saved_model, sizes, say, plan.precision)
            for contestant in ("tfnative", *plan.peers)
        ]
        level = cpu_level(prepared[0])
        for batch_size in sizes:
            say(f"{name}, batch size {batch_size}: measure")
            answer, work = reference(saved_model, batch_size)
            ours, *peers = _measure(prepared, answer, plan)
            least = limits.micros(work)
            yield Result(
                name,
                batch_size,
                ours,
                tuple(peers),
                work,
                least,
                plan.precision,
                level,
            )


def _measure(prepared: list[Prepared], answer: Path, plan: Plan) -> list[Latency]:
    processes = {
        entry.contestant: ContestantProcess(
            entry.contestant, entry.model, answer, plan.threads, plan.precision
        )
        for entry in prepared
        if entry.model is not None
    }
    calls: dict[str, list[float]] = {contestant: [] for contestant in processes}
    for _ in range(plan.rounds):
        for contestant, process in processes.items():
            calls[contestant] += process.round(plan.seconds)
    for process in processes.values():
        process.close()
    return [
        _latency(processes[entry.contestant], calls[entry.contestant])
        if entry.model is not None
        else Latency(entry.contestant, None, None, entry.problem)
        for entry in prepared
    ]


def _latency(process: ContestantProcess, micros: list[float]) -> Latency:
    if process.problem:
        return Latency(process.contestant, None, None, process.problem)
    median, p99 = map(float, np.percentile(micros, [50, 99]))
    return Latency(process.contestant, median, p99, signal_to_noise=process.ready)
