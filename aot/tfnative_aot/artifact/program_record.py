# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What program.json says of the programs of an artifact."""

from __future__ import annotations

from collections.abc import Sequence

from tfnative._manifest.program import (
    Array,
    Flow,
    Node,
    ProgramRecord,
    StepRecord,
)
from tfnative_aot.artifact.dataflow import Place, StepFlow, Writer, follow
from tfnative_aot.artifact.memory_record import record_memory, shape_text
from tfnative_aot.artifact.package import Parts
from tfnative_aot.emit.step_table import flops, kind
from tfnative_aot.program.memory import Shape
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Part


def record_programs(parts: Parts) -> tuple[ProgramRecord, ...]:
    """A record of every program, for the best CPU level.

    Variants of one signature and batch size differ by CPU level only in the code of
    their kernels.
    """
    best = parts.levels[-1]
    signatures = parts.interface.signatures
    return tuple(
        record_program(
            program,
            signatures[program.key.signature].name,
            [t.name for t in signatures[program.key.signature].inputs],
            [t.name for t in signatures[program.key.signature].outputs],
        )
        for program in parts.programs
        if program.key.level == best
    )


def record_program(
    program: Program, signature: str, inputs: Sequence[str], outputs: Sequence[str]
) -> ProgramRecord:
    """The record of a program, whose inputs and outputs have these names."""
    flow = follow(program)
    return ProgramRecord(
        signature=signature,
        batch_size=program.key.batch_size,
        inputs=tuple(
            (name, _array(shape))
            for name, shape in zip(inputs, program.input_shapes, strict=True)
        ),
        outputs=tuple(
            (name, _flow(writers, _array(shape)))
            for name, writers, shape in zip(
                outputs,
                flow.outputs,
                program.output_shapes[: len(flow.outputs)],
                strict=True,
            )
        ),
        steps=tuple(_step(each) for each in flow.steps),
        memory=record_memory(program, flow.steps),
    )


def _step(flow: StepFlow) -> StepRecord:
    source = flow.step.source
    return StepRecord(
        kind=kind(flow.step),
        hlo=source.hlo,
        node=Node(source.op_type, source.op_name) if source.op_name else None,
        parts=tuple(_node(part) for part in source.parts),
        parent=flow.parent,
        block=flow.block,
        flops=flops(flow.step),
        reads=tuple(_flow(of, _at(place)) for place, of in flow.reads),
        weights=tuple(map(_at, flow.constants)),
        writes=tuple(map(_at, flow.writes)),
    )


def _node(part: Part) -> Node:
    return Node(part.op_type, part.op_name)


def _flow(writers: Sequence[Writer], array: Array) -> Flow:
    return Flow(
        tuple(writer.number for writer in writers if not writer.carried),
        array.shape,
        array.size,
        tuple(writer.number for writer in writers if writer.carried),
    )


def _at(place: Place) -> Array:
    text = "" if place.shape is None else shape_text(place.shape)
    return Array(text, place.slice.size)


def _array(shape: Shape) -> Array:
    return Array(shape_text(shape), shape.elements * shape.element_bytes)
