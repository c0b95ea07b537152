# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds pooling and reductions among XLA's kernels, whose code for them is slow."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfnative_aot.program.decode.expressions import is_plain_f32, read_values
from tfnative_aot.program.memory import NOWHERE, Buffer, Shape
from tfnative_aot.program.steps import Reduced, ReduceWindow, Reduction, Source, Triple

_OPERATIONS: Mapping[str, Reduction] = {
    "add": "sum",
    "maximum": "max",
    "minimum": "min",
}


@dataclass(frozen=True)
class _Dimension:
    """What a window does in one dimension."""

    in_size: int
    out_size: int
    size: int = 1
    stride: int = 1
    padding_low: int = 0
    dilation: int = 1

    @property
    def is_trivial(self) -> bool:
        return (self.size, self.stride, self.padding_low) == (1, 1, 0) and (
            self.in_size == self.out_size
        )


class ReductionReader:
    """Reads reductions of one module.

    Args:
        instructions: All instructions, by id.
        computations: All computations, by id.
        constant: Gives the bytes of a buffer that is constant, or None.
    """

    def __init__(
        self,
        instructions: Mapping[int, Any],
        computations: Mapping[int, Any],
        constant: Callable[[Buffer], bytes | None],
    ) -> None:
        self._instructions = instructions
        self._computations = computations
        self._constant = constant

    def read(
        self, source: Source, root: Any, arguments: Sequence[Buffer], out: Buffer
    ) -> ReduceWindow | Reduced | None:
        """The step that computes what a kernel computes, or what it computes, or None.

        Args:
            source: Where the kernel comes from.
            root: Root of its computation, whose parameters are ``arguments``.
            arguments: What the kernel reads.
            out: What it writes.
        """
        i, scale = self._without_scale(self._peeled(root))
        operation = self._operation(i)
        if operation is None or not is_plain_f32(root):
            return None
        values = self._operand(i, 0)
        init = self._scalar(self._operand(i, 1), arguments)
        if init is None or not is_plain_f32(values):
            return None
        dimensions = _dimensions(i, list(values.shape.dimensions))
        peeled = self._peeled(values)
        if peeled.opcode == "parameter":
            lhs = arguments[peeled.parameter_number]
            return _collapsed(source, operation, init, scale, dimensions, lhs, out)
        expression = read_values(values, self._instructions)
        lhs = _unplaced(values)
        step = _collapsed(source, operation, init, scale, dimensions, lhs, out)
        if expression is None or step is None:
            return None
        return Reduced(expression, step)

    def _without_scale(self, i: Any) -> tuple[Any, float]:
        """An instruction and the number that its result is multiplied by."""
        if i.opcode != "multiply" or not is_plain_f32(i):
            return i, 1.0
        for at in (0, 1):
            factor = self._peeled(self._operand(i, at))
            while factor.opcode == "broadcast":
                factor = self._peeled(self._operand(factor, 0))
            if factor.opcode == "constant":
                value = _value(bytes(factor.literal.f32s))
                if value is not None:
                    return self._peeled(self._operand(i, 1 - at)), value
        return i, 1.0

    def _operation(self, i: Any) -> Reduction | None:
        is_reduction = i.opcode in ("reduce", "reduce-window")
        if not is_reduction or len(i.operand_ids) != 2 or not is_plain_f32(i):
            return None
        called = self._computations[i.called_computation_ids[0]]
        root = self._instructions[called.root_id]
        if root.opcode == "select":
            return "max_number" if self._takes_larger(root) else None
        operands = [self._instructions[o] for o in root.operand_ids]
        if any(operand.opcode != "parameter" for operand in operands):
            return None
        if sorted(operand.parameter_number for operand in operands) != [0, 1]:
            return None
        return _OPERATIONS.get(root.opcode)

    def _takes_larger(self, root: Any) -> bool:
        """Whether it takes the element if that is greater than what is known."""
        compared, *taken = (self._instructions[o] for o in root.operand_ids)
        if compared.opcode != "compare" or compared.comparison_direction != "GT":
            return False
        # By number: XLA puts a parameter for each use.
        orders = [
            [self._instructions[o].parameter_number for o in each]
            for each in (compared.operand_ids, root.operand_ids[1:])
        ]
        return orders == [[1, 0], [1, 0]] and all(
            parameter.opcode == "parameter" for parameter in taken
        )

    def _scalar(self, i: Any, arguments: Sequence[Buffer]) -> float | None:
        if i.opcode == "constant":
            return _value(bytes(i.literal.f32s))
        if i.opcode != "parameter":
            return None
        return _value(self._constant(arguments[i.parameter_number]) or b"")

    def _peeled(self, i: Any) -> Any:
        """What is only seen in another form; not what changes the order in memory."""
        while i.opcode in ("bitcast", "reshape", "copy"):
            operand = self._operand(i, 0)
            if not is_plain_f32(i) or not is_plain_f32(operand):
                break
            i = operand
        return i

    def _operand(self, i: Any, position: int) -> Any:
        return self._instructions[i.operand_ids[position]]


def _unplaced(i: Any) -> Buffer:
    """The array that an instruction gives, which is not in memory."""
    dims = tuple(int(n) for n in i.shape.dimensions)
    shape = Shape("f32", dims, tuple(reversed(range(len(dims)))))
    return Buffer(replace(NOWHERE, size=shape.elements * 4), shape)


def _value(data: bytes) -> float | None:
    return float(np.frombuffer(data, np.float32)[0]) if len(data) == 4 else None


def _dimensions(i: Any, sizes: Sequence[int]) -> list[_Dimension]:
    if i.opcode == "reduce":
        reduced = set(i.dimensions)
        return [
            _Dimension(n, 1, n) if d in reduced else _Dimension(n, n)
            for d, n in enumerate(sizes)
        ]
    if any(w.base_dilation > 1 for w in i.window.dimensions):
        return []
    return [
        _Dimension(n, o, w.size, w.stride, w.padding_low, w.window_dilation)
        for n, o, w in zip(sizes, i.shape.dimensions, i.window.dimensions, strict=True)
    ]


def _collapsed(
    source: Source,
    operation: Reduction,
    init: float,
    scale: float,
    dimensions: Sequence[_Dimension],
    lhs: Buffer,
    out: Buffer,
) -> ReduceWindow | None:
    """The step, if at most three dimensions next to each other have a window."""
    windowed = [n for n, d in enumerate(dimensions) if not d.is_trivial]
    if not windowed:
        return None
    first, end = windowed[0], windowed[-1] + 1
    inner = list(dimensions[first:end])
    if all(d.out_size == 1 and d.size == d.in_size for d in inner):
        whole = math.prod(d.in_size for d in inner)
        inner = [_Dimension(whole, 1, whole)]
    if len(inner) > 3:
        return None
    inner = [_Dimension(1, 1)] * (3 - len(inner)) + inner
    channels = math.prod(d.in_size for d in dimensions[end:])
    batch = math.prod(d.in_size for d in dimensions[:first])
    results = batch * channels * math.prod(d.out_size for d in inner)
    if results != out.shape.elements:
        return None
    d0, d1, d2 = inner

    def triple(get: Callable[[_Dimension], int]) -> Triple:
        return get(d0), get(d1), get(d2)

    return ReduceWindow(
        source=source,
        operation=operation,
        init=init,
        scale=scale,
        batch=batch,
        channels=channels,
        in_size=triple(lambda d: d.in_size),
        out_size=triple(lambda d: d.out_size),
        kernel_size=triple(lambda d: d.size),
        stride=triple(lambda d: d.stride),
        padding_low=triple(lambda d: d.padding_low),
        window_dilation=triple(lambda d: d.dilation),
        lhs=lhs,
        out=out,
    )
