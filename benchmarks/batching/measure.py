# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Starts the contestants of a model, and has them measured.

Those that tell the throughput also tell, since they run already, how long rows wait
when less is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.batching import native, queueing, throughput
from benchmarks.batching.plan import Plan, Say, Workload, make_workload
from benchmarks.batching.queueing import Queueing
from benchmarks.batching.servers import Batching
from benchmarks.batching.throughput import Throughput
from benchmarks.batching.turns import close, runtimes_of, start_worker
from benchmarks.process import WorkerProcess


def measure_models(
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
            found = throughput.measure(processes, workload, batching, plan)
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
