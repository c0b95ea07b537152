# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A trace of ``tf.profiler``: what each thread did, and when.

TensorFlow writes XSpace messages, LOGS/plugins/profile/TIME/HOST.xplane.pb
(tensorflow/tsl/profiler/protobuf/xplane.proto): planes of lines of events, whose times
are picoseconds from a line's begin, which is nanoseconds from the trace's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.errors import TrainingError
from training.observe.private import parse_xspace

STEP = "training step"
"""Name of the events that are steps; their ``step_num`` is the step.

tf-keras has events ``train`` of its own, which count the steps of an epoch.
"""
_FOLDER = Path("plugins", "profile")


@dataclass(frozen=True)
class Event:
    """Something that a thread did.

    Attributes:
        name: As TensorFlow calls it.
        begin: In seconds; 0 is the begin of the trace.
        seconds: How long it took.
        step: Number of the training step that it is, or None.
    """

    name: str
    begin: float
    seconds: float
    step: int | None = None

    @property
    def end(self) -> float:
        """In seconds."""
        return self.begin + self.seconds


@dataclass(frozen=True)
class Thread:
    """A thread, and what it did, by its begin."""

    name: str
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Trace:
    """What a process did for some steps.

    Attributes:
        member: Whose it is: the folder of its logs.
        started: When it begins, in seconds since 1970; 0 if nobody knows.
        threads: Of the process.
    """

    member: str
    started: float
    threads: tuple[Thread, ...]


def read_traces(logs: Path) -> list[Trace]:
    """The last trace of each process that wrote logs to a folder, or below.

    Raises:
        TrainingError: There is none, or one cannot be read.
    """
    found: dict[Path, Path] = {}
    for path in sorted(logs.glob("**/*.xplane.pb")):
        if path.parts[-4:-2] == _FOLDER.parts:
            found[path.parents[3]] = path  # Folders are named by their time.
    if not found:
        raise TrainingError(
            f"there is no trace below {logs}: record one with python -m training fit "
            "--logs FOLDER --profile 10-20"
        )
    return [_read(path, _member(of, logs)) for of, path in found.items()]


def read_all(folders: Sequence[Path]) -> list[Trace]:
    """The traces below several folders, whose members all have other names.

    Members of two runs may have the same, as ``worker-0``, or be folders ``logs``: then
    the path of the folder stands before.

    Raises:
        TrainingError: As `read_traces`.
    """
    found = [(logs, trace) for logs in folders for trace in read_traces(logs)]
    counts = Counter(trace.member for _, trace in found)
    return [
        trace
        if counts[trace.member] == 1
        else replace(trace, member=_full(logs, trace))
        for logs, trace in found
    ]


def _full(logs: Path, trace: Trace) -> str:
    return str(logs if trace.member == logs.name else logs / trace.member)


def _member(folder: Path, logs: Path) -> str:
    return str(folder.relative_to(logs)) if folder != logs else logs.name


def _read(path: Path, member: str) -> Trace:
    try:
        space = parse_xspace(path.read_bytes())
    except Exception as error:  # Protobuf's own, and whatever a disk does.
        raise TrainingError(f"{path} is no trace of tf.profiler: {error}") from error
    threads: list[Thread] = []
    started = 0.0
    for plane in space.planes:
        names = {key: each.name for key, each in plane.stat_metadata.items()}
        for stat in plane.stats:
            if names.get(stat.metadata_id) == "profile_start_time":
                started = stat.uint64_value / 1e9
        for line in plane.lines:
            events = sorted(_events(plane, line, names), key=lambda each: each.begin)
            threads.append(Thread(f"{plane.name} {line.name}", tuple(events)))
    return Trace(member, started, tuple(threads))


def _events(plane: Any, line: Any, names: dict[int, str]) -> Iterator[Event]:
    base = line.timestamp_ns / 1e9
    for event in line.events:
        described = plane.event_metadata[event.metadata_id]
        step = None
        if described.name == STEP:
            for stat in event.stats:
                if names.get(stat.metadata_id) == "step_num":
                    step = int(stat.int64_value or stat.uint64_value)
        yield Event(
            described.display_name or described.name,
            base + event.offset_ps / 1e12,
            event.duration_ps / 1e12,
            step,
        )
