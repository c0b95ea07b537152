# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Gives each value of the workspace an allocation of its own.

XLA places values that are not alive at once in the same memory. Passes that move or
drop steps would have to prove each time that they do not bring two such values
together; with separate allocations there is nothing to prove. ``assign_memory`` places
them together again when all is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from tfnative_aot.program.memory import Allocation, Slice
from tfnative_aot.program.passes.exposed_bytes import Flow
from tfnative_aot.program.passes.last_writers import LastWriters, Value, join
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Convolution, Dot, Kernel, Sort, Step
from tfnative_aot.program.traverse import accesses, children, map_slices, walk


def separate_values(program: Program) -> Program:
    """Renames the allocations of the workspace so that each holds one value.

    Values that a step may expect in one place stay together: those that a nested step
    touches, and what XLA's code reads and overwrites.
    """
    return _Separator(program).run()


@dataclass
class _Renaming:
    """Which value each slice of a step belongs to."""

    reads: dict[Slice, Value] = field(default_factory=dict)
    writes: dict[Slice, Value] = field(default_factory=dict)


class _Separator:
    def __init__(self, program: Program) -> None:
        self._program = program
        # XLA keeps other values in the memory of outputs, too, until they are written.
        self._temp = {
            a.index for a in program.allocations if a.kind in ("temp", "output")
        }
        self._writers = LastWriters(self._temp)
        self._allocations = list(program.allocations)
        self._may_share: list[tuple[Value, Value]] = []

    def run(self) -> Program:
        renamings = [self._visit(step) for step in self._program.steps]
        outputs = {
            s: self._writers.read(s)
            for s in self._temp_only(self._program.output_slices)
        }
        for place, value in outputs.items():
            self._keep_output(place, value.root())
        steps = tuple(
            map_slices(step, self._renamer(r.reads), self._renamer(r.writes))
            for step, r in zip(self._program.steps, renamings, strict=True)
        )
        rename = self._renamer(outputs)
        return replace(
            self._program,
            steps=steps,
            output_slices=tuple(rename(s) for s in self._program.output_slices),
            allocations=tuple(
                replace(a, kind="none")
                if a.index in self._temp and a.kind == "temp"
                else a
                for a in self._allocations
            ),
            xla_temp_bytes=sum(
                a.size for a in self._program.allocations if a.kind == "temp"
            ),
            may_share=frozenset(
                (self._new(a), self._new(b))
                for a, b in self._may_share
                if a.root().low == b.root().low
            ),
        )

    def _keep_output(self, place: Slice, value: Value) -> None:
        """Leaves the last value of an output's memory, the output, where it is."""
        allocation = self._allocations[place.allocation]
        whole = value.low >= 0 and value.high <= allocation.size
        if allocation.kind == "output" and whole and value.new < 0:
            value.low = 0
            value.new = place.allocation

    # --- Which value a slice belongs to ---------------------------------------

    def _visit(self, step: Step) -> _Renaming:
        if children(step):
            return self._visit_nested(step)
        reads, writes = accesses(step)
        renaming = _Renaming({s: self._writers.read(s) for s in self._temp_only(reads)})
        for place in self._temp_only(writes):
            value = self._writers.write(place)
            renaming.writes[place] = value
            overlapping = {s for s in renaming.reads if _overlap(place, s)}
            if not _is_pure(step):
                for operand in overlapping:
                    join(value, renaming.reads[operand])
            elif overlapping == {place} and _works_in_place(step, place):
                self._may_share.append((renaming.reads[place], value))
        return renaming

    def _visit_nested(self, step: Step) -> _Renaming:
        """What is nested keeps its places: slices that overlap are one value.

        The value begins here, but for bytes that the step reads before it has
        written them.
        """
        flow = Flow().run([step])
        values: dict[Slice, Value] = {}
        for place in self._temp_only(_touched(step)):
            read = [self._writers.read(part) for part in flow.exposed.inside(place)]
            perhaps = [
                segment
                for part in flow.written.outside(place)
                for segment in self._writers.within(part)
            ]
            value = values[place] = self._writers.write(place)
            for segment in perhaps:  # Afterwards, bytes may be as they were.
                segment.values += (value,)
                self._writers.replace(place.allocation, segment)
            for earlier in read:
                join(value, earlier)
        for place, value in values.items():
            for other, its_value in values.items():
                if _overlap(place, other):
                    join(value, its_value)
        return _Renaming(values, values)

    # --- New names ------------------------------------------------------------

    def _renamer(self, values: dict[Slice, Value]) -> Callable[[Slice], Slice]:
        def rename(place: Slice) -> Slice:
            if place not in values:
                return place
            root = values[place].root()
            return Slice(self._new(root), place.offset - root.low, place.size)

        return rename

    def _new(self, value: Value) -> int:
        root = value.root()
        if root.new < 0:
            root.new = len(self._allocations)
            size = root.high - root.low
            self._allocations.append(Allocation(root.new, size, "temp"))
        return root.new

    def _temp_only(self, places: Iterable[Slice]) -> list[Slice]:
        return [s for s in places if s.allocation in self._temp]


def _is_pure(step: Step) -> bool:
    """Whether a step writes all of its results, wherever its operands are.

    Code that XLA compiled for one buffer reads its operand where it writes the
    result, even where that is all that the kernel does.
    """
    return not isinstance(step, Kernel | Sort)


def _works_in_place(step: Step, place: Slice) -> bool:
    """Whether a step may read and write ``place``: it does so element by element."""
    if not isinstance(step, Dot | Convolution):
        return False
    addend = step.epilogue.addend
    return (
        addend is not None
        and addend.slice == place
        and not any(_overlap(place, s) for s in (step.lhs.slice, step.rhs.slice))
    )


def _overlap(a: Slice, b: Slice) -> bool:
    return (
        a.allocation == b.allocation
        and a.offset < b.offset + b.size
        and b.offset < a.offset + a.size
    )


def _touched(step: Step) -> list[Slice]:
    """What a step and those nested in it read and write, each slice once."""
    found = (
        place
        for inner in walk([step])
        for sequence in accesses(inner)
        for place in sequence
    )
    return list(dict.fromkeys(found))
