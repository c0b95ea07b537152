# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which step wrote what a step reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tfnative_aot.program.memory import Buffer, Shape, Slice
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    CombinedSuppression,
    Conditional,
    Convolution,
    Copy,
    Dot,
    Kernel,
    Quantized,
    ReduceWindow,
    Sort,
    Step,
    Suppression,
    TopK,
    While,
)
from tfnative_aot.program.traverse import children


@dataclass(frozen=True)
class Place:
    """Memory that a step touches, and its shape if that is known."""

    slice: Slice
    shape: Shape | None = None


@dataclass(frozen=True, order=True)
class Writer:
    """What wrote some bytes.

    Attributes:
        number: Of a step; -1 is the first input, -2 the second, and so on.
        carried: Whether that was in the round of a loop before.
    """

    number: int
    carried: bool = False


@dataclass(frozen=True)
class StepFlow:
    """A step, and where what it reads comes from.

    Attributes:
        step: The step.
        parent: Number of the step that it is nested in, or -1.
        block: Which of its parent's sequences it is in.
        reads: What it reads of values, with all that may have written them.
        constants: What it reads of constants.
        writes: What it writes.
    """

    step: Step
    parent: int
    block: int
    reads: tuple[tuple[Place, tuple[Writer, ...]], ...]
    constants: tuple[Place, ...]
    writes: tuple[Place, ...]


@dataclass(frozen=True)
class Dataflow:
    """All steps of a program by number, and what wrote the outputs."""

    steps: tuple[StepFlow, ...]
    outputs: tuple[tuple[Writer, ...], ...]


_Memory = dict[int, tuple[tuple[int, int, frozenset[int]], ...]]
"""By allocation: from which byte to which, and who may have written them last."""


def follow(program: Program) -> Dataflow:
    """Follows values through a program.

    Steps have the numbers of ``emit.step_table``. A body of a loop is gone through
    twice: what it finds of its own the second time comes from the round before.
    """
    return _Walk(program).run()


def touched(step: Step) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """What a step itself reads and writes, each place once."""
    reads, writes = _touched(step)
    return tuple(_once(reads)), tuple(_once(writes))


class _Walk:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._kinds = {a.index: a.kind for a in program.allocations}
        self._steps: list[tuple[Step, int, int]] = []  # With parent and block.
        self._nested: list[list[list[int]]] = []
        self._found: list[dict[Place, dict[Writer, None]]] = []
        self._roots = self._number(program.steps, -1, 0)

    def run(self) -> Dataflow:
        memory: _Memory = {
            a.index: ((0, a.size, frozenset({-1 - a.position})),)
            for a in self._program.allocations
            if a.kind == "input"
        }
        memory = self._sequence(self._roots, memory)
        outputs = tuple(
            tuple(Writer(number) for number in sorted(_writers(memory, place)))
            for place in self._program.caller_slices
        )
        return Dataflow(tuple(self._flows()), outputs)

    def _flows(self) -> Iterator[StepFlow]:
        for (step, parent, block), found in zip(self._steps, self._found, strict=True):
            reads, writes = touched(step)
            yield StepFlow(
                step=step,
                parent=parent,
                block=block,
                reads=tuple((place, tuple(of)) for place, of in found.items()),
                constants=tuple(p for p in reads if self._is_constant(p)),
                writes=writes,
            )

    def _is_constant(self, place: Place) -> bool:
        return self._kinds[place.slice.allocation] == "constant"

    def _number(self, steps: Sequence[Step], parent: int, block: int) -> list[int]:
        numbers = []
        for step in steps:
            number = len(self._steps)
            numbers.append(number)
            self._steps.append((step, parent, block))
            self._nested.append([])
            self._found.append({})
            self._nested[number] += [
                self._number(nested, number, index)
                for index, nested in enumerate(children(step))
            ]
        return numbers

    def _sequence(self, numbers: Sequence[int], memory: _Memory) -> _Memory:
        for number in numbers:
            memory = self._step(number, memory)
        return memory

    def _step(self, number: int, memory: _Memory) -> _Memory:
        step, nested = self._steps[number][0], self._nested[number]
        if isinstance(step, While):
            return self._loop(number, step.trip_count, memory)
        self._read(number, memory)
        if isinstance(step, Conditional):
            return _joined([self._sequence(branch, memory) for branch in nested])
        for numbers in nested:
            memory = self._sequence(numbers, memory)
        for place in touched(step)[1]:
            memory = _written(memory, place.slice, number)
        return memory

    def _loop(self, number: int, trip_count: int | None, memory: _Memory) -> _Memory:
        condition, body = self._nested[number]
        if trip_count is not None:
            for _ in range(min(trip_count, 2)):
                memory = self._sequence(body, memory)
            return memory
        for _ in range(2):
            begun = self._sequence(condition, memory)
            memory = _joined([memory, self._sequence(body, begun)])
        memory = self._sequence(condition, memory)
        self._read(number, memory)
        return memory

    def _read(self, number: int, memory: _Memory) -> None:
        found = self._found[number]
        for place in touched(self._steps[number][0])[0]:
            if self._is_constant(place):
                continue
            writers = found.setdefault(place, {})
            known = {writer.number for writer in writers}
            for writer in sorted(_writers(memory, place.slice) - known):
                # Within one round, what is read was written by a step before. A loop
                # itself reads what its condition wrote, whose number is higher.
                later = writer >= number and number not in self._parents(writer)
                writers[Writer(writer, later)] = None

    def _parents(self, number: int) -> Iterator[int]:
        while number >= 0:
            number = self._steps[number][1]
            yield number


def _writers(memory: _Memory, place: Slice) -> frozenset[int]:
    low, high = place.offset, place.offset + place.size
    found: frozenset[int] = frozenset()
    for begin, end, writers in memory.get(place.allocation, ()):
        if begin < high and low < end:
            found |= writers
    return found


def _written(memory: _Memory, place: Slice, number: int) -> _Memory:
    low, high = place.offset, place.offset + place.size
    kept = [(low, high, frozenset({number}))]
    for begin, end, writers in memory.get(place.allocation, ()):
        kept.append((begin, min(end, low), writers))
        kept.append((max(begin, high), end, writers))
    return {**memory, place.allocation: tuple(k for k in kept if k[0] < k[1])}


def _joined(memories: Sequence[_Memory]) -> _Memory:
    """What is known if one of several things has happened."""
    joined: _Memory = {}
    for index in dict.fromkeys(index for memory in memories for index in memory):
        pieces = [piece for memory in memories for piece in memory.get(index, ())]
        edges = sorted({edge for begin, end, _ in pieces for edge in (begin, end)})
        joined[index] = tuple(
            (low, high, writers)
            for low, high in pairwise(edges)
            if (
                writers := frozenset().union(
                    *(w for begin, end, w in pieces if begin < high and low < end)
                )
            )
        )
    return joined


def _touched(step: Step) -> tuple[list[Place], list[Place]]:
    if isinstance(step, Kernel):
        return _buffers(*step.arguments), _buffers(*step.results)
    if isinstance(step, Dot | Convolution):
        e = step.epilogue
        read = _buffers(step.lhs, step.rhs, step.scale, e.bias, e.addend)
        return read, _buffers(step.out)
    if isinstance(step, ReduceWindow):
        return _buffers(step.lhs), _buffers(step.out)
    if isinstance(step, Copy):
        return _buffers(step.src), _buffers(step.dst)
    if isinstance(step, Sort):
        return _buffers(*step.arrays), _buffers(*step.arrays)
    if isinstance(step, TopK):
        indices = [] if step.out_indices is None else [Place(step.out_indices)]
        return [Place(step.values)], [Place(step.out_values), *indices]
    if isinstance(step, CombinedSuppression):
        return [Place(step.rows)], [Place(step.values), Place(step.counts)]
    if isinstance(step, Quantized):
        weights = [] if step.weights is None else [Place(step.weights)]
        return [*map(Place, step.inputs), *weights], [Place(step.out)]
    if isinstance(step, Suppression):
        return [Place(step.given)], [Place(step.scores), Place(step.found)]
    if isinstance(step, While):
        return [Place(step.condition_buffer)], []
    if isinstance(step, Conditional):
        return [Place(step.index)], []
    return [], []


def _buffers(*buffers: Buffer | None) -> list[Place]:
    return [Place(b.slice, b.shape) for b in buffers if b is not None]


def _once(places: Sequence[Place]) -> Iterator[Place]:
    by_slice: Mapping[Slice, Place] = {place.slice: place for place in places}
    yield from by_slice.values()
