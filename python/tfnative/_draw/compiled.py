# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of a compiled program: a box for each step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from tfnative._base.units import format_bytes, format_flops, format_micros
from tfnative._draw.graph import Cluster, DrawnEdge, DrawnGraph, DrawnNode, Line
from tfnative._manifest.program import Array, Flow, ProgramRecord, StepRecord

_FAMILIES = {
    "dot": "product",
    "kernel": "elementwise",
    "copy": "move",
    "while": "control",
    "conditional": "control",
    "call": "control",
    "sort": "sort",
    "topk": "sort",
    "suppression": "sort",
    "reduction": "reduction",
}
_TITLES = {
    "while": "loop",
    "conditional": "branch",
    "topk": "top k",
    "suppression": "best boxes",
}
_KERNELS = {"kernel": "code of XLA's", "dot": "matrix product", "topk": "top k"}
_BLOCKS = {"while": ("condition", "body")}
_CALLS = re.compile(r"^((Stateful)?PartitionedCall(_\d+)?/)+")
_ADDED = re.compile(r"/(parts|check)/.*$")
_MAIN_OPS = re.compile("MatMul|Conv|Einsum")
_XLA_NAME = re.compile(r"^wrapped_|(_fusion)?[.\d]*$")
_MOST_PARTS = 8


@dataclass(frozen=True)
class Measured:
    """What a profile says of a step: microseconds per call, and its part of all."""

    micros: float
    share: float


def draw_program(
    program: ProgramRecord, model: str, times: Mapping[int, Measured] | None = None
) -> DrawnGraph:
    """Draws a program.

    Args:
        program: Its steps.
        model: Name of the model.
        times: By the number of the step; steps that did not run are not in it. None
            if nothing was measured.
    """
    return _Drawing(program, model, times).run()


class _Drawing:
    def __init__(
        self, program: ProgramRecord, model: str, times: Mapping[int, Measured] | None
    ) -> None:
        self._program = program
        self._model = model
        self._times = times
        self._most = max((t.share for t in (times or {}).values()), default=0.0)
        self._prefix = common_scope(
            [short_name(step.node.name) for step in program.steps if step.node]
        )

    def run(self) -> DrawnGraph:
        program = self._program
        rows = f", {program.batch_size} rows" if program.batch_size else ""
        if program.batch_size == 1:
            rows = ", 1 row"
        measured = self._times is not None
        total = sum(t.micros for t in (self._times or {}).values())
        return DrawnGraph(
            id=f"{program.signature}_{program.batch_size}",
            title=f"{self._model}: {program.signature}{rows}",
            notes=tuple(self._notes(total)),
            nodes=tuple(self._nodes()),
            edges=tuple(self._edges()),
            clusters=tuple(self._clusters()),
            hottest=f"{self._most:.0%} of {format_micros(total)}" if measured else "",
            measured="microseconds" if measured else "",
        )

    def _notes(self, total: float) -> Iterator[str]:
        steps = self._program.steps
        flops = format_flops(sum(s.flops for s in steps))
        counted = f"{len(steps)} steps" if len(steps) != 1 else "1 step"
        nested = any(step.parent >= 0 for step in steps)
        yield f"{counted}, {flops}{', of loops one round' if nested else ''}" + (
            f", {format_micros(total)} a call" if self._times is not None else ""
        )
        if self._prefix:
            yield f"names begin with {self._prefix}"

    def _nodes(self) -> Iterator[DrawnNode]:
        for number, (name, array) in enumerate(self._program.inputs):
            yield _port(_id(-1 - number), name, "input", array)
        for number, step in enumerate(self._program.steps):
            yield self._step(number, step)
        for number, (name, flow) in enumerate(self._program.outputs):
            yield _port(f"out{number}", name, "output", Array(flow.shape, flow.size))

    def _step(self, number: int, step: StepRecord) -> DrawnNode:
        time = None if self._times is None else self._times.get(number)
        note = ""
        if time is not None:
            note = f"{time.share:.1%}  {format_micros(time.micros)}"
        heat = None
        if self._times is not None:
            heat = time.share / self._most if time and self._most else 0.0
        name = step.hlo
        if step.node:
            name = short_name(step.node.name).removeprefix(self._prefix)
        return DrawnNode(
            id=_id(number),
            title=main_op(step),
            family=family_of_step(step),
            lines=tuple(_lines(step, name)),
            note=note,
            cluster=self._cluster_of(number, step),
            scope=name.rpartition("/")[0] if step.node else "",
            details=self._details(number, step, time),
            heat=heat,
            value=None if time is None else time.micros,
            origin=_origin(step),
        )

    def _cluster_of(self, number: int, step: StepRecord) -> str:
        if any(each.parent == number for each in self._program.steps):
            return f"loop{number}"  # Its own frame.
        return f"block{step.parent}_{step.block}" if step.parent >= 0 else ""

    def _clusters(self) -> Iterator[Cluster]:
        steps = self._program.steps
        for number, step in enumerate(steps):
            blocks = sorted({s.block for s in steps if s.parent == number})
            if not blocks:
                continue
            outside = f"block{step.parent}_{step.block}" if step.parent >= 0 else ""
            yield Cluster(f"loop{number}", _title(step), outside)
            names = _BLOCKS.get(step.kind)
            for block in blocks:
                label = names[block] if names else f"{_title(step)} {block}"
                yield Cluster(f"block{number}_{block}", label, f"loop{number}")

    def _details(
        self, number: int, step: StepRecord, time: Measured | None
    ) -> dict[str, str]:
        node = step.node
        found = {"step": str(number), "op": main_op(step)}
        if self._times is not None:
            found["time (us)"] = "" if time is None else f"{time.micros:.2f}"
            found["share (%)"] = "" if time is None else f"{time.share * 100:.1f}"
        fused = (f"{part.op} {short_name(part.name)}" for part in step.parts)
        return found | {
            "kernel": _kernel(step),
            "name": short_name(node.name) if node else "",
            "shape": ", ".join(array.shape for array in step.writes if array.shape),
            "bytes read": f"{step.bytes_read:,}",
            "of them weights": f"{step.weight_bytes:,}",
            "bytes written": f"{step.bytes_written:,}",
            "FLOP": f"{step.flops:,}" if step.flops else "",
            "fused": ", ".join(fused),
            "XLA's name": step.hlo,
        }

    def _edges(self) -> Iterator[DrawnEdge]:
        for number, step in enumerate(self._program.steps):
            yield from _arrows(step.reads, _id(number))
        for number, (_, flow) in enumerate(self._program.outputs):
            yield from _arrows([flow], f"out{number}")


def common_scope(names: Sequence[str]) -> str:
    """The name scopes that all names begin with, as "StatefulPartitionedCall/"."""
    if len(names) < 2:
        return ""
    scopes = [name.split("/")[:-1] for name in names]
    least, most = min(scopes), max(scopes)  # All others begin as these two do.
    pairs = zip(least, most, strict=False)
    shared = takewhile(lambda pair: pair[0] == pair[1], pairs)
    return "".join(f"{scope}/" for scope, _ in shared)


def _arrows(flows: Sequence[Flow], target: str) -> Iterator[DrawnEdge]:
    seen: dict[tuple[int, bool], dict[str, None]] = {}
    for flow in flows:
        label = flow.shape or format_bytes(flow.size)
        for sources, carried in ((flow.sources, False), (flow.carried, True)):
            for source in sources:
                seen.setdefault((source, carried), {})[label] = None
    for (source, carried), labels in seen.items():
        yield DrawnEdge(_id(source), target, ", ".join(labels), dashed=carried)


def short_name(name: str) -> str:
    """A name without the calls that SavedModels are wrapped in."""
    return _CALLS.sub("", name.rpartition(";")[2])


def _origin(step: StepRecord) -> str:
    """The node of the user's model that a step comes from.

    Where the compiler computes an op in several, their names are below the op's.
    """
    name = step.node.name.rpartition(";")[2] if step.node else ""
    return _ADDED.sub("", name)


def main_op(step: StepRecord) -> str:
    """What a step is best known as: a product rather than the bias that follows it."""
    ops = [part.op for part in step.parts]
    found = next(filter(_MAIN_OPS.search, ops), "") if _is_product(step) else ""
    own = found or (step.node.op if step.node else "")
    if own and not own.startswith("Xla"):
        return own
    named = _XLA_NAME.sub("", step.hlo) if step.kind == "kernel" else ""
    return named or _title(step)


def _is_product(step: StepRecord) -> bool:
    return step.kind == "dot" or "convolution" in step.kind


def _lines(step: StepRecord, name: str) -> Iterator[Line]:
    yield Line(name)
    yield Line(_kernel(step), format_flops(step.flops) if step.flops else "")
    ops = Counter(part.op or part.name for part in step.parts)
    parts = [op if count == 1 else f"{count} {op}" for op, count in ops.items()]
    for begin in range(0, min(len(parts), _MOST_PARTS), 3):
        listed = " · ".join(parts[begin : min(begin + 3, _MOST_PARTS)])
        yield Line(f"{'fused: ' if begin == 0 else '  '}{listed}")
    if len(parts) > _MOST_PARTS:
        yield Line(f"  and {len(parts) - _MOST_PARTS} more")
    if step.weights:
        yield Line("weights", format_bytes(step.weight_bytes))
    if step.reads:
        yield Line("reads", format_bytes(step.bytes_read - step.weight_bytes))
    if step.writes:
        yield Line("writes", format_bytes(step.bytes_written))


def _port(key: str, name: str, kind: str, array: Array) -> DrawnNode:
    size = format_bytes(array.size)
    return DrawnNode(
        id=key,
        title=name,
        family="port",
        note=kind,
        lines=(Line(array.shape, size),),
        details={kind: name, "shape": array.shape, "bytes": f"{array.size:,}"},
    )


def _id(number: int) -> str:
    return f"step{number}" if number >= 0 else f"in{-1 - number}"


def _title(step: StepRecord) -> str:
    return _TITLES.get(step.kind, step.kind)


def _kernel(step: StepRecord) -> str:
    return _KERNELS.get(step.kind, _title(step))


def family_of_step(step: StepRecord) -> str:
    if "convolution" in step.kind:
        return "convolution"
    if step.node is None and "copy" in step.hlo:
        return "move"
    return _FAMILIES.get(step.kind, "other")
