# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads calls of kernels of XLA's, and what they compute where that is of use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tfnative_aot.program.decode.dots import make_dot
from tfnative_aot.program.decode.expressions import read_expression
from tfnative_aot.program.decode.joins import read_join
from tfnative_aot.program.decode.memory import read_buffer, read_shape
from tfnative_aot.program.decode.module import Module
from tfnative_aot.program.decode.reductions import ReductionReader
from tfnative_aot.program.expression import Expression
from tfnative_aot.program.memory import Buffer, Constant
from tfnative_aot.program.steps import (
    Dot,
    Epilogue,
    Kernel,
    Reduced,
    ReduceWindow,
    Source,
)


class KernelReader:
    """Reads the kernels of one module.

    Args:
        module: The module.
        constants: Its constants, by the index of their allocation.
    """

    def __init__(self, module: Module, constants: Mapping[int, Constant]) -> None:
        self._module = module
        self._constants = constants
        self._reductions = ReductionReader(
            module.by_id, module.computations, self._constant_bytes
        )

    def read(self, source: Source, k: Any) -> Kernel | ReduceWindow:
        """A call of XLA's code, or the pooling that is all that it does."""
        arguments = tuple(read_buffer(b) for b in k.arguments)
        results = tuple(read_buffer(b) for b in k.results)
        reduction = self._reduction(source, arguments, results)
        if isinstance(reduction, ReduceWindow):
            return reduction
        w = k.workgroups
        return Kernel(
            source=source,
            symbol=k.name,
            arguments=arguments,
            results=results,
            workgroups=(max(w.x, 1), max(w.y, 1), max(w.z, 1)),
            dot=self._dot(source, arguments, results),
            expression=self._expression(source, arguments, results),
            reduced=reduction,
            joined=self._joined(source, arguments, results),
        )

    def _operation(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> Any | None:
        """A kernel's instruction, if it has one result and its operands are its own."""
        instruction = self._module.by_name.get(source.hlo)
        if instruction is None or len(results) != 1:
            return None
        operands = [self._module.by_id[i] for i in instruction.operand_ids]
        if [b.shape for b in arguments] != [read_shape(i.shape) for i in operands]:
            return None
        return instruction

    def _joined(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> tuple[int, ...] | None:
        """Which operands it puts side by side, if it does nothing else."""
        instruction = self._operation(source, arguments, results)
        if instruction is None:
            return None
        by_id, computations = self._module.by_id, self._module.computations
        return read_join(instruction, by_id, computations)

    def _reduction(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> ReduceWindow | Reduced | None:
        """Pooling or a reduction, if that is what a kernel computes."""
        computation = self._loop(source, arguments, results)
        if computation is None:
            return None
        root = self._module.by_id[computation.root_id]
        return self._reductions.read(source, root, arguments, results[0])

    def _expression(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> Expression | None:
        """What a kernel computes element by element, if it does."""
        computation = self._loop(source, arguments, results)
        if computation is None:
            return None
        return read_expression(computation, self._module.by_id)

    def _loop(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> Any | None:
        """The computation of a kernel that is one loop with one result."""
        fusion = self._operation(source, arguments, results)
        if fusion is None or fusion.fusion_kind != "kLoop":
            return None
        return self._module.computations[fusion.called_computation_ids[0]]

    def _dot(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> Dot | None:
        """The matrix product that is all that a kernel computes, if it is."""
        instruction = self._operation(source, arguments, results)
        if instruction is None:
            return None
        if instruction.opcode == "dot":
            lhs, rhs = arguments
            return make_dot(source, instruction.dot, lhs, rhs, results[0])
        if instruction.fusion_kind == "kOutput":
            return self._dot_with_addend(source, instruction, arguments, results[0])
        return None

    def _dot_with_addend(
        self, source: Source, fusion: Any, arguments: Sequence[Buffer], out: Buffer
    ) -> Dot | None:
        """XLA's one fusion of a product with what follows: an array is added."""
        computation = self._module.computations[fusion.called_computation_ids[0]]
        root = self._module.by_id[computation.root_id]
        terms = [self._module.by_id[i] for i in root.operand_ids]
        dots = [term for term in terms if term.opcode == "dot"]
        addends = [term for term in terms if term.opcode == "parameter"]
        if root.opcode != "add" or len(dots) != 1 or len(addends) != 1:
            return None
        factors = [self._module.by_id[i] for i in dots[0].operand_ids]
        if any(factor.opcode != "parameter" for factor in factors):
            return None
        lhs, rhs = (arguments[factor.parameter_number] for factor in factors)
        addend = arguments[addends[0].parameter_number]
        dot = make_dot(source, dots[0].dot, lhs, rhs, out)
        if dot is None or addend.shape != out.shape:
            return None
        return replace(dot, epilogue=Epilogue(addend=addend))

    def _constant_bytes(self, buffer: Buffer) -> bytes | None:
        constant = self._constants.get(buffer.slice.allocation)
        return None if constant is None else constant.data
