# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The programs of an artifact, step by step: program.json, described in artifact.md."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tfnative._manifest.memory import LiveValue, MemoryRecord
from tfnative._manifest.reader import Reader, read_text, read_whole
from tfnative.errors import LoadError

FORMAT = 1
DAMAGED = "It is damaged: copy the artifact once more, or compile the model again"
"""What to do about a file that cannot have been written so."""


class Node(NamedTuple):
    """A node of the TensorFlow graph: its op, as "Conv2D", and its name."""

    op: str
    name: str


class Flow(NamedTuple):
    """A value in memory that a step reads.

    Attributes:
        sources: Numbers of the steps that may have written it, or parts of it; -1 is
            the program's first input, -2 the second, and so on.
        shape: As "f32[1,8,8,3]", or "" if it is not known.
        size: Bytes.
        carried: Further sources, which wrote it in the round of a loop before.
    """

    sources: tuple[int, ...]
    shape: str
    size: int
    carried: tuple[int, ...] = ()


class Array(NamedTuple):
    """A constant that a step reads, or a value that it writes."""

    shape: str
    size: int


@dataclass(frozen=True)
class StepRecord:
    """A step, under its number, which is its place in ``ProgramRecord.steps``.

    Attributes:
        kind: What runs: "convolution", "dot", or "kernel" for code of XLA's.
        hlo: Name of XLA's instruction.
        node: The TensorFlow node that it comes from, or None.
        parts: All nodes of which it computes something; empty if that is ``node``.
        parent: Number of the loop or branch that it is in, or -1.
        block: Which of its parent's sequences: of a loop, 0 is the condition and 1
            the body; of a branch, which one.
        flops: Floating-point operations, 0 if they are not known.
        reads: Values.
        weights: Constants that it reads.
        writes: What it writes.
    """

    kind: str
    hlo: str
    node: Node | None
    parts: tuple[Node, ...]
    parent: int
    block: int
    flops: int
    reads: tuple[Flow, ...]
    weights: tuple[Array, ...]
    writes: tuple[Array, ...]

    @property
    def bytes_read(self) -> int:
        """Bytes of all that it reads, constants included."""
        return sum(flow.size for flow in self.reads) + self.weight_bytes

    @property
    def weight_bytes(self) -> int:
        """Bytes of the constants that it reads."""
        return sum(w.size for w in self.weights)

    @property
    def bytes_written(self) -> int:
        """Bytes of all that it writes."""
        return sum(w.size for w in self.writes)


@dataclass(frozen=True)
class ProgramRecord:
    """The program of a signature at a batch size.

    Attributes:
        signature: Name of the signature.
        batch_size: Rows; 0 for a signature without a batch dimension.
        inputs: Names, and shapes with their bytes.
        outputs: Names, and what they are when the last step has run.
        steps: In the order in which they run; what is nested in a step follows it.
        memory: Its workspace. None in artifacts of versions that did not write it.
    """

    signature: str
    batch_size: int
    inputs: tuple[tuple[str, Array], ...]
    outputs: tuple[tuple[str, Flow], ...]
    steps: tuple[StepRecord, ...]
    memory: MemoryRecord | None = None


def to_json(programs: tuple[ProgramRecord, ...]) -> str:
    """The text of program.json, a step to a line. Each node is written down once."""
    nodes: dict[Node, int] = {}

    def number(node: Node) -> int:
        return nodes.setdefault(node, len(nodes))

    def flow(of: Flow) -> tuple[object, ...]:
        return tuple(of) if of.carried else of[:3]

    texts = []
    for program in programs:
        head: dict[str, object] = {
            "signature": program.signature,
            "batch_size": program.batch_size,
            "inputs": [[name, *array] for name, array in program.inputs],
            "outputs": [[name, *flow(of)] for name, of in program.outputs],
        }
        if program.memory is not None:
            head["memory"] = dataclasses.asdict(program.memory)
        steps = [
            [
                step.kind,
                step.hlo,
                -1 if step.node is None else number(step.node),
                [number(part) for part in step.parts],
                step.parent,
                step.block,
                step.flops,
                [flow(each) for each in step.reads],
                step.weights,
                step.writes,
            ]
            for step in program.steps
        ]
        lines = ",\n".join(map(_compact, steps))
        texts.append(f'{_compact(head)[:-1]},"steps":[\n{lines}\n]}}')
    listed = ",\n".join(map(_compact, nodes))
    joined = ",\n".join(texts)
    return f'{{"format":{FORMAT},"nodes":[\n{listed}\n],"programs":[\n{joined}\n]}}\n'


def from_json(text: str) -> tuple[ProgramRecord, ...]:
    """Reads program.json.

    Raises:
        LoadError: It is not one; the message names the place.
    """
    try:
        reader = Reader("program.json", json.loads(text))
        found = reader.take("format", int)
        if found == FORMAT:
            nodes = reader.take_list("nodes", _node)
            return reader.take_list("programs", lambda p, v: _program(p, v, nodes))
    except LoadError as error:
        raise LoadError(f"{error}. {DAMAGED}") from error
    except (ValueError, RecursionError) as error:
        raise LoadError(f"program.json is not JSON: {error}. {DAMAGED}") from error
    raise LoadError(
        f"program.json has format {found}, expected {FORMAT}: another version of "
        "tfnative wrote it. Compile the model again"
    )


def _program(place: str, value: object, nodes: tuple[Node, ...]) -> ProgramRecord:
    reader = Reader(place, value)
    steps = reader.take_list("steps", lambda p, v: _step(p, v, nodes))
    memory = None
    if reader.has("memory"):
        memory = _memory(reader.take_reader("memory"), len(steps))
    return ProgramRecord(
        signature=reader.take("signature", str),
        batch_size=reader.take("batch_size", int),
        inputs=reader.take_list("inputs", _named_array),
        outputs=reader.take_list("outputs", _output),
        steps=steps,
        memory=memory,
    )


def _memory(reader: Reader, steps: int) -> MemoryRecord:
    size = reader.take("size", int)
    return MemoryRecord(
        size=size,
        order=reader.take("order", str),
        xla_order_bytes=reader.take("xla_order_bytes", int),
        xla_bytes=reader.take("xla_bytes", int),
        values=reader.take_list("values", lambda p, v: _live_value(p, v, size, steps)),
    )


def _live_value(place: str, value: object, most: int, steps: int) -> LiveValue:
    at = _Row(place, value, 6)
    offset, size, first, last, writer = (at.whole(index) for index in range(5))
    if not 0 <= offset <= offset + size <= most or not 0 <= first <= last <= steps:
        raise LoadError(f"{place} is no value of the workspace")
    return LiveValue(offset, size, first, last, writer, at.text(5))


def _step(place: str, value: object, nodes: tuple[Node, ...]) -> StepRecord:
    at = _Row(place, value, 10)

    def node(where: str, index: object) -> Node:
        number = read_whole(where, index)
        if not 0 <= number < len(nodes):
            raise LoadError(f"{where}: there is no node {number}")
        return nodes[number]

    own = at.whole(2)
    return StepRecord(
        kind=at.text(0),
        hlo=at.text(1),
        node=None if own < 0 else node(place, own),
        parts=tuple(node(*each) for each in at.rows(3)),
        parent=at.whole(4),
        block=at.whole(5),
        flops=at.whole(6),
        reads=tuple(_flow(*each) for each in at.rows(7)),
        weights=tuple(_array(*each) for each in at.rows(8)),
        writes=tuple(_array(*each) for each in at.rows(9)),
    )


def _node(place: str, value: object) -> Node:
    at = _Row(place, value, 2)
    return Node(at.text(0), at.text(1))


def _array(place: str, value: object) -> Array:
    at = _Row(place, value, 2)
    return Array(at.text(0), at.whole(1))


def _named_array(place: str, value: object) -> tuple[str, Array]:
    at = _Row(place, value, 3)
    return at.text(0), Array(at.text(1), at.whole(2))


def _output(place: str, value: object) -> tuple[str, Flow]:
    at = _Row(place, value, 4)
    return at.text(0), _flow_at(at, 1)


def _flow(place: str, value: object) -> Flow:
    return _flow_at(_Row(place, value, 3), 0)


def _flow_at(at: _Row, index: int) -> Flow:
    carried = at.wholes(index + 3) if at.length > index + 3 else ()
    return Flow(at.wholes(index), at.text(index + 1), at.whole(index + 2), carried)


class _Row:
    """A list of at least so many values, whose types are checked."""

    def __init__(self, place: str, value: object, least: int) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise LoadError(f"{place} is not a list of {least} values")
        self._place, self._values, self.length = place, value, len(value)

    def text(self, index: int) -> str:
        return read_text(f"{self._place}[{index}]", self._values[index])

    def whole(self, index: int) -> int:
        return read_whole(f"{self._place}[{index}]", self._values[index])

    def wholes(self, index: int) -> tuple[int, ...]:
        return tuple(read_whole(*each) for each in self.rows(index))

    def rows(self, index: int) -> Iterator[tuple[str, object]]:
        place, values = f"{self._place}[{index}]", self._values[index]
        if not isinstance(values, list):
            raise LoadError(f"{place} is not a list")
        return ((f"{place}[{i}]", value) for i, value in enumerate(values))


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
