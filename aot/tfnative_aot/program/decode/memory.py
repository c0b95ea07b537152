# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads arrays and the memory that they lie in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfnative.errors import CompileError, InternalError
from tfnative_aot import adapters
from tfnative_aot.program.decode.module import Module
from tfnative_aot.program.memory import Allocation, Buffer, Constant, Shape, Slice


def read_slice(s: Any) -> Slice:
    """A range of bytes of an allocation."""
    return Slice(s.allocation, s.offset, s.size)


def read_buffer(b: Any) -> Buffer:
    """An array in memory."""
    return Buffer(read_slice(b.slice), read_shape(b.shape))


def read_shape(s: Any) -> Shape:
    """A shape, in its memory order.

    Raises:
        CompileError: Its elements are of a type that artifacts do not have.
    """
    dtypes: dict[int, str] = adapters.xla().DTYPES
    dtype = dtypes.get(s.element_type)
    if dtype is None:
        raise CompileError(f"element type number {s.element_type} is not supported")
    return Shape(dtype, tuple(s.dimensions), tuple(s.layout.minor_to_major))


def read_row_major(s: Any) -> Shape:
    """A shape of the entry's signature, which is row-major whatever it says."""
    dims = tuple(s.dimensions)
    return Shape(read_shape(s).dtype, dims, tuple(reversed(range(len(dims)))))


def read_allocations(
    buffers: Any, outputs: Sequence[int], touched: set[int]
) -> tuple[Allocation, ...]:
    """All blocks of memory, by index.

    Args:
        buffers: XLA's assignment of buffers.
        outputs: Which of the blocks each output of the caller's is in.
        touched: Those that some step, or what comes after the last, reads or writes.
    """
    results: dict[int, int] = {}
    for position, index in enumerate(outputs):
        results.setdefault(index, position)
    found = sorted(buffers.allocations, key=lambda a: a.index)
    return tuple(_allocation(a, results, touched) for a in found)


def _allocation(a: Any, results: dict[int, int], touched: set[int]) -> Allocation:
    if a.is_constant:
        return Allocation(a.index, a.size, "constant")
    if a.is_parameter:
        return Allocation(a.index, a.size, "input", a.parameter_number)
    if a.index in results:
        return Allocation(a.index, a.size, "output", results[a.index])
    # Tables of pointers and scratch of reducers are not touched by any step:
    # compiled code has them in registers.
    return Allocation(a.index, a.size, "temp" if a.index in touched else "none")


def read_constants(buffers: Any, module: Module) -> dict[int, Constant]:
    """The constants among XLA's buffers, by the index of their allocation."""
    places = {b.id: b.defined_at for b in buffers.logical_buffers}
    constants = {}
    for allocation in buffers.allocations:
        if not allocation.is_constant:
            continue
        for assigned in allocation.assigned:
            place = places[assigned.logical_buffer_id]
            literal = module.by_id[place.instruction_id].literal
            constants[allocation.index] = Constant(
                read_shape(literal.shape), _literal_bytes(literal)
            )
    return constants


def _literal_bytes(literal: Any) -> bytes:
    """The data of a literal, which XLA keeps in the order of its layout."""
    shape = read_shape(literal.shape)
    field = f"{shape.dtype}s"
    values = getattr(literal, field)
    if isinstance(values, bytes):
        data = values
    else:
        kind = {"s32": "<i4", "u32": "<u4", "s64": "<i8", "u64": "<u8"}[shape.dtype]
        data = np.asarray(values, dtype=kind).tobytes()
    if len(data) != shape.elements * shape.element_bytes:
        raise InternalError(f"constant {shape} has {len(data)} bytes")
    return data
