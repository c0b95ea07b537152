# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where the time of a step goes: waiting for input, computing, or communicating."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

from training.errors import TrainingError
from training.observe.trace import Event, Trace

INPUT_BOUND = 0.2
"""From this share of a step on, it is the input that has to become faster."""
KEEPS_UP = 0.05
"""Below this share, nothing is gained by faster input."""
_INPUT = ("IteratorGetNext", "QueueDequeue")
_COMMUNICATION = (
    *("Collective", "NcclAllReduce", "NcclReduce", "NcclBroadcast", "RecvTensor"),
    *("_Recv", "_HostRecv", "GrpcRemote", "RemoteCall", "ParseTensor"),
)

Interval = tuple[float, float]


@dataclass(frozen=True)
class Step:
    """A training step.

    Attributes:
        number: Since the weights were random.
        begin: In seconds from the begin of the trace.
        input: Seconds in which it waited for a batch.
        communication: Seconds in which an op waited for another device or process,
            and none waited for a batch.
        compute: The rest of its seconds.
        between: Seconds from its end to the next step's begin: what Python does, as
            callbacks, and batches that are made in Python.
    """

    number: int
    begin: float
    input: float
    communication: float
    compute: float
    between: float

    @property
    def seconds(self) -> float:
        """How long it took, and what followed."""
        return self.input + self.communication + self.compute + self.between


@dataclass(frozen=True)
class Shares:
    """The mean step of a trace.

    Attributes:
        seconds: How long it takes.
        input: Shares of that, as those of `Step`.
        communication: Likewise.
        compute: Likewise.
        between: Likewise.
    """

    seconds: float
    input: float
    communication: float
    compute: float
    between: float

    @property
    def verdict(self) -> str:
        """What limits the speed, in words."""
        waits = f"{self.input:.0%} of a step waits for input"
        if self.input >= INPUT_BOUND:
            return f"input-bound: {waits}: prefetch, cache, read in parallel"
        if self.communication >= max(self.compute, INPUT_BOUND):
            return (
                f"communication-bound: {self.communication:.0%} of a step waits for "
                "others. Larger batches communicate less often"
            )
        if self.between >= INPUT_BOUND:
            return (
                f"bound by Python: {self.between:.0%} of the time is between steps. "
                "Feed by tf.data, and look at callbacks"
            )
        if self.input < KEEPS_UP:
            return f"compute-bound: {waits}, so input keeps up"
        return f"compute-bound, with some waiting: {waits}"


def split_steps(trace: Trace) -> list[Step]:
    """The steps of a trace, by their time.

    Raises:
        TrainingError: It has none.
    """
    events = [event for thread in trace.threads for event in thread.events]
    steps = sorted((e for e in events if e.step is not None), key=lambda e: e.begin)
    if not steps:
        raise TrainingError(f"the trace of {trace.member} has no training step in it")
    waits = _named(events, _INPUT)
    talks = _named(events, _COMMUNICATION)
    found = []
    for place, step in enumerate(steps):
        inside = (step.begin, step.end)
        waiting = _length(_cut(waits, inside))
        both = _length(_cut([*waits, *talks], inside))
        following = steps[place + 1].begin if place + 1 < len(steps) else step.end
        found.append(
            Step(
                number=step.step or 0,
                begin=step.begin,
                input=waiting,
                communication=both - waiting,
                compute=max(0.0, step.seconds - both),
                between=max(0.0, following - step.end),
            )
        )
    return found


def shares(steps: Sequence[Step]) -> Shares:
    """The mean of some steps, without the first, which may have begun anything."""
    chosen = steps[1:] or steps
    seconds = mean(step.seconds for step in chosen) or 1.0

    def share(name: str) -> float:
        return float(mean(getattr(step, name) for step in chosen) / seconds)

    return Shares(
        seconds, *map(share, ("input", "communication", "compute", "between"))
    )


def waits_of(trace: Trace) -> dict[str, list[Interval]]:
    """When an op waited, in seconds from the begin of the trace.

    Returns:
        Intervals by the field of `Step`: ``communication`` and ``input``. Where both
        are, the second counts.
    """
    events = [event for thread in trace.threads for event in thread.events]
    kinds = {"communication": _COMMUNICATION, "input": _INPUT}
    return {kind: _merged(_named(events, names)) for kind, names in kinds.items()}


def _named(events: Iterable[Event], names: tuple[str, ...]) -> list[Interval]:
    """Events of ops: their names end with the op, after a colon, or are the op's."""
    return [
        (event.begin, event.end)
        for event in events
        if event.name.rpartition(":")[2].startswith(names)
        or event.name.startswith(names)
    ]


def _cut(intervals: Iterable[Interval], inside: Interval) -> list[Interval]:
    low, high = inside
    return [
        (max(begin, low), min(end, high))
        for begin, end in intervals
        if begin < high and end > low
    ]


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _length(intervals: Iterable[Interval]) -> float:
    return sum(end - begin for begin, end in _merged(intervals))
