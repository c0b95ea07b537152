# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where the time of a call goes, step by step."""

from __future__ import annotations

import json
import os
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._core import Model as CoreModel


@dataclass(frozen=True)
class StepTime:
    """A step of a compiled program.

    Attributes:
        name: Name of the TensorFlow node that it comes from.
        op: The node's op, as "Conv2D", or "".
        kind: What runs: "convolution", "dot", or "kernel" for code of XLA's.
        batch_size: Of the code that ran; 0 without a batch dimension.
        depth: How deep it is nested in loops and branches.
        calls: How often it ran per call of the model.
        micros: Microseconds per call of the model, without those of steps nested in
            it: the median of all runs.
        share: Part of the whole, 0 to 1.
        gflops: Floating-point operations per nanosecond, 0 if they are not known.
        number: Of the step in its program, from 0 on. Steps that did not run are not
            listed, and have numbers as well.
    """

    name: str
    op: str
    kind: str
    batch_size: int
    depth: int
    calls: int
    micros: float
    share: float
    gflops: float
    number: int = 0


class Event(NamedTuple):
    """A step that ran, from nanosecond ``begin`` to ``end`` of the call."""

    batch_size: int
    step: int
    begin: int
    end: int


@dataclass(frozen=True)
class Profile:
    """Time per step of a call.

    Attributes:
        model: Name of the model.
        signature: Name of the signature.
        runs: How many calls were measured.
        micros: Microseconds of all steps together.
        steps: In the order of the program.
        trace: The fastest of the runs, in Chrome's trace event format, for
            chrome://tracing and https://ui.perfetto.dev: see ``save_trace``.
    """

    model: str
    signature: str
    runs: int
    micros: float
    steps: tuple[StepTime, ...]
    trace: dict[str, Any]

    def save_trace(self, path: str | os.PathLike[str]) -> None:
        """Writes ``trace`` to a JSON file."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.trace, file)

    def __str__(self) -> str:
        lines = [f"{'us':>10} {'share':>6} {'GFLOP/s':>8}  step"]
        lines += [
            f"{s.micros:10.1f} {s.share:6.1%} {s.gflops or 0:8.1f}  "
            f"{'  ' * s.depth}{s.kind} {s.name}"
            for s in self.steps
        ]
        return "\n".join(lines)


class _StepInfo(NamedTuple):
    """A line of tfn_variant.steps, see abi.h."""

    depth: int
    kind: str
    flops: int
    op: str
    name: str


def profile(model: CoreModel, inputs: Any, signature: str | None, runs: int) -> Profile:
    """See ``Model.profile``."""
    if runs < 1:
        raise InvalidArgumentError(f"runs must be at least 1, got {runs}")
    model.predict(inputs, signature=signature)
    measured = [
        [Event(*event) for event in model._profile(inputs, signature)]
        for _ in range(runs)
    ]
    sizes = {event.batch_size for event in measured[0]}
    infos = {
        size: [_parse(line) for line in model._steps(signature, size).splitlines()]
        for size in sorted(sizes)
    }
    steps = _steps(measured, infos)
    fastest = min(measured, key=lambda events: events[-1].end if events else 0)
    return Profile(
        model=model.name,
        signature=model._find_signature(signature),
        runs=runs,
        micros=sum(step.micros for step in steps),
        steps=steps,
        trace=_trace(fastest, infos, model.name),
    )


def _parse(line: str) -> _StepInfo:
    depth, kind, flops, op, name = line.split("\t")
    return _StepInfo(int(depth), kind, int(flops), op, name)


def _steps(
    measured: Sequence[Sequence[Event]], infos: dict[int, list[_StepInfo]]
) -> tuple[StepTime, ...]:
    nanos: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    calls: defaultdict[tuple[int, int], int] = defaultdict(int)
    for event in measured[0]:
        calls[event.batch_size, event.step] += 1
    for events in measured:
        of_run: defaultdict[tuple[int, int], int] = defaultdict(int)
        for event in events:
            of_run[event.batch_size, event.step] += event.end - event.begin
        for key, value in of_run.items():
            nanos[key].append(value)
    medians = {key: statistics.median(values) for key, values in nanos.items()}
    total = sum(medians.values()) or 1.0
    found = []
    for (size, number), median in sorted(medians.items()):
        info = infos[size][number]
        count = calls[size, number]
        found.append(
            StepTime(
                name=info.name,
                op=info.op,
                kind=info.kind,
                batch_size=size,
                depth=info.depth,
                calls=count,
                micros=median / 1e3,
                share=median / total,
                gflops=info.flops * count / max(median, 1),
                number=number,
            )
        )
    return tuple(found)


def _trace(
    events: Sequence[Event], infos: dict[int, list[_StepInfo]], model: str
) -> dict[str, Any]:
    """The events in Chrome's format; times are in microseconds."""
    process = os.getpid()
    shown: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", "pid": process, "args": {"name": model}}
    ]
    for event in events:
        info = infos[event.batch_size][event.step]
        shown.append(
            {
                "ph": "X",
                "name": info.op or info.kind,
                "cat": info.kind,
                "pid": process,
                "tid": 1,
                "ts": event.begin / 1e3,
                "dur": (event.end - event.begin) / 1e3,
                "args": {
                    "node": info.name,
                    "batch_size": event.batch_size,
                    "flops": info.flops,
                },
            }
        )
    return {"traceEvents": shown, "displayTimeUnit": "ns"}
