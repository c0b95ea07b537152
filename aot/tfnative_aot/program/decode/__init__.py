# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Decodes what tfcompile serialised into a ``Program``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tfnative.errors import CompileError
from tfnative_aot import adapters
from tfnative_aot.freeze.quantized import PlacedCall
from tfnative_aot.program.decode.memory import (
    read_allocations,
    read_constants,
    read_row_major,
    read_shape,
)
from tfnative_aot.program.decode.module import Module
from tfnative_aot.program.decode.steps import StepReader
from tfnative_aot.program.memory import Slice
from tfnative_aot.program.program import Program
from tfnative_aot.program.traverse import slices, walk
from tfnative_aot.xla.tfcompile import CompiledVariant

NO_CALLS: Mapping[str, PlacedCall] = MappingProxyType({})


def decode(
    compiled: CompiledVariant,
    outputs: Sequence[str] = (),
    calls: Mapping[str, PlacedCall] = NO_CALLS,
) -> Program:
    """Decodes one compiled variant.

    Args:
        compiled: The variant.
        outputs: What its outputs are called, for errors.
        calls: Of quantized arrays, by the names of their functions.

    Raises:
        CompileError: The program has a step that no artifact can run, or an output
            whose shape depends on the data.
    """
    result = adapters.xla().parse_result(compiled.result)
    module = Module.read(result.hlo.module)
    constants = read_constants(result.buffers, module)
    signature = result.hlo.module.program_shape
    results = signature.result.tuple_shapes
    _check_fixed(results, outputs)
    steps = StepReader(module, constants, calls).sequence(result.thunks)
    touched = {s.allocation for step in walk(steps) for s in slices(step)}
    places = compiled.result_allocations
    callers = places[:-1] if compiled.check_values else places
    return Program(
        key=compiled.key,
        object_file=compiled.object_file,
        steps=steps,
        allocations=read_allocations(result.buffers, callers, touched | set(places)),
        constants=constants,
        input_shapes=tuple(read_row_major(s) for s in signature.parameters),
        output_shapes=tuple(read_row_major(s) for s in results),
        output_slices=tuple(
            Slice(
                index,
                0,
                read_row_major(shape).elements * read_row_major(shape).element_bytes,
            )
            for index, shape in zip(places, results, strict=True)
        ),
        check_values=compiled.check_values,
    )


def _check_fixed(results: Sequence[Any], names: Sequence[str]) -> None:
    for number, shape in enumerate(results):
        if any(shape.is_dynamic):
            name = repr(names[number]) if names else number
            raise CompileError(
                f"output {name} has a shape that depends on the data "
                f"({read_shape(shape)} is its largest); only fixed shapes compile. If "
                "a size is an input, fix that with --constant NAME=VALUE"
            )
