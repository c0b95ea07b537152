# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What charts of a program's workspace show: bytes over the steps, and the peak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tfnative._base.units import format_bytes
from tfnative._draw.compiled import family_of_step, main_op, short_name
from tfnative._manifest.memory import LiveValue, MemoryRecord
from tfnative._manifest.program import ProgramRecord

_ORDERS = {
    "xla": "XLA's",
    "depth first": "depth first",
    "most freed": "the step next that frees most",
    "most freed, from the end": "the step last that frees most, from the end",
}


@dataclass(frozen=True)
class NamedValue:
    """A value in the workspace, and where it comes from.

    Attributes:
        value: Its place, and when it is there.
        op: What writes it is best known as, as "Conv2D".
        name: The TensorFlow node that it comes from, or XLA's name.
        family: Key of ``families.FAMILIES``.
        share: Its part of the peak, or 0 if it is not alive then.
    """

    value: LiveValue
    op: str
    name: str
    family: str
    share: float


@dataclass(frozen=True)
class MemoryChart:
    """All of a chart.

    Attributes:
        title: Which program of which model.
        notes: Sentences below the title.
        live: Bytes that are alive at each step.
        peak_step: The first step at which most are; 0 without steps.
        size: Bytes of the workspace that are for values.
        values: All values.
    """

    title: str
    notes: tuple[str, ...]
    live: tuple[int, ...]
    peak_step: int
    size: int
    values: tuple[NamedValue, ...]

    @property
    def peak(self) -> int:
        """The most bytes that are alive at a step."""
        return max(self.live, default=0)

    @property
    def at_peak(self) -> list[NamedValue]:
        """What is alive then, the largest first."""
        found = [each for each in self.values if each.share]
        return sorted(found, key=lambda each: (-each.value.size, each.value.offset))


def chart_memory(
    program: ProgramRecord, memory: MemoryRecord, model: str
) -> MemoryChart:
    """The chart of a program.

    Args:
        program: The program.
        memory: Its workspace.
        model: Name of the model.
    """
    live = memory.live_bytes(len(program.steps))
    peak = max(live, default=0)
    at = live.index(peak) if live else 0
    alive = {id(value) for value in memory.alive(at)}
    rows = {0: "", 1: ", 1 row"}.get(program.batch_size, f", {program.batch_size} rows")
    return MemoryChart(
        title=f"{model}: {program.signature}{rows}",
        notes=tuple(_notes(program, memory, peak, at)),
        live=tuple(live),
        peak_step=at,
        size=memory.size,
        values=tuple(
            _named(program, value, peak if id(value) in alive else 0)
            for value in memory.values
        ),
    )


def _notes(
    program: ProgramRecord, memory: MemoryRecord, peak: int, at: int
) -> Iterator[str]:
    counted = f"{len(memory.values)} values between {len(program.steps)} steps"
    yield f"{counted}, placed in {format_bytes(memory.size)} of the workspace"
    if peak:
        op, name, _ = _writer(program, at)
        yield f"alive at once: {format_bytes(peak)} at most, at step {at}: {op} {name}"
    order = _ORDERS.get(memory.order, memory.order)
    saved = ""
    if memory.xla_order_bytes > memory.size:
        saved = f"; in XLA's, it would take {format_bytes(memory.xla_order_bytes)}"
    yield f"order of the steps: {order}{saved}"


def _named(program: ProgramRecord, value: LiveValue, peak: int) -> NamedValue:
    op, name, family = _writer(program, value.writer)
    return NamedValue(value, op, name, family, value.size / peak if peak else 0.0)


def _writer(program: ProgramRecord, number: int) -> tuple[str, str, str]:
    if not 0 <= number < len(program.steps):
        return "", "", "other"
    step = program.steps[number]
    name = short_name(step.node.name) if step.node else step.hlo
    return main_op(step), name, family_of_step(step)
