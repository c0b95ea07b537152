# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rules for what computes each element of the same element of each operand."""

from __future__ import annotations

from tfnative_aot.rows.operation import Operation
from tfnative_aot.rows.value import COUNTS, Kind, Known, Value

OPCODES = frozenset(
    "abs add and atan2 bitcast-convert cbrt ceil clamp compare complex convert copy "
    "cosine count-leading-zeros divide erf exponential exponential-minus-one floor "
    "imag is-finite log log-plus-one logistic maximum minimum multiply negate not or "
    "optimization-barrier popcnt power real reduce-precision remainder "
    "round-nearest-afz round-nearest-even rsqrt select shift-left "
    "shift-right-arithmetic shift-right-logical sign sine sqrt subtract tan tanh "
    "xor acos acosh asin asinh atanh cosh sinh".split()
)
_KEEPS_NUMBERS = frozenset({"convert", "copy", "optimization-barrier"})


def elementwise(operation: Operation) -> Value:
    """Of arrays of the same shape, and of scalars."""
    opcode = operation.instruction.opcode
    values = [operation.array(i) for i in range(len(operation.operands))]
    if opcode not in _KEEPS_NUMBERS and any(v.kind == Kind.NUMBER for v in values):
        return operation.mixed("uses the number of the row")
    return operation.joined(values)


def set_dimension_size(operation: Operation) -> Value:
    """Of a size that says how much of a dimension is used."""
    array, size = operation.array(0), operation.array(1)
    (dim,) = operation.instruction.same(lambda i: tuple(i.dimensions))
    if dim in operation.instruction.row_dims or size.kind != Kind.SAME:
        return operation.mixed("sets the number of rows")
    return operation.joined([array])


def get_dimension_size(operation: Operation) -> Value:
    """The size of a dimension as a number."""
    (dim,) = operation.instruction.same(lambda i: tuple(i.dimensions))
    if dim in operation.row_dims(0):
        return operation.mixed(COUNTS)
    return Known()
