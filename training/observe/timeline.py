# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Timelines for a browser: the trace event format of Chrome, which Perfetto reads.

The format is Google's "Trace Event Format": complete events (``X``) with times in
microseconds, and metadata events (``M``) that name processes and threads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from training.files import written
from training.observe.trace import Trace

_SHORTEST = 1e-6
"""Seconds. What is shorter is left out: there are thousands that nobody can see."""


def write_timeline(traces: Sequence[Trace], path: Path) -> int:
    """Writes one timeline for all members, each a process of its own.

    Members of a cluster are placed by their clocks.

    Returns:
        How many events it has.

    Raises:
        TrainingError: The file cannot be written; what was there stays.
    """
    events = list(_events(traces))
    with written(path, "--output") as file:
        file.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}))
    return sum(event["ph"] == "X" for event in events)


def offsets(traces: Sequence[Trace]) -> list[float]:
    """How many seconds after the first trace each of them began."""
    known = [trace.started for trace in traces if trace.started]
    first = min(known, default=0.0)
    return [trace.started - first if trace.started else 0.0 for trace in traces]


def _events(traces: Sequence[Trace]) -> Iterator[dict[str, Any]]:
    for process, (trace, offset) in enumerate(
        zip(traces, offsets(traces), strict=True), 1
    ):
        yield _name("process_name", process, 0, trace.member)
        for number, thread in enumerate(trace.threads, 1):
            yield _name("thread_name", process, number, thread.name)
            for event in thread.events:
                if event.seconds < _SHORTEST:
                    continue
                step = {} if event.step is None else {"args": {"step": event.step}}
                yield {
                    "ph": "X",
                    "name": event.name,
                    "pid": process,
                    "tid": number,
                    "ts": round((offset + event.begin) * 1e6, 3),
                    "dur": round(event.seconds * 1e6, 3),
                    **step,
                }


def _name(kind: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return {
        "ph": "M",
        "name": kind,
        "pid": process,
        "tid": thread,
        "args": {"name": name},
    }
