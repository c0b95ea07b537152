# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rules for what reduces, sorts and transforms along dimensions."""

from __future__ import annotations

from dataclasses import replace

from tfnative_aot.rows.operation import Operation
from tfnative_aot.rows.value import Kind, Known, Several, Value


def reduce(operation: Operation) -> Value:
    """Dimensions reduced to one element each."""
    dims = operation.instruction.same(lambda i: tuple(i.dimensions))
    arrays = len(operation.operands) // 2
    values: list[Known] = []
    for index in range(len(operation.operands)):
        value = operation.array(index)
        if value.kind == Kind.NUMBER:
            return operation.mixed("uses the number of the row")
        if index < arrays and any(d in dims for d in operation.row_dims(index)):
            return operation.mixed("reduces over the rows")
        if value.layout is not None:
            dim = value.layout.dim
            fewer = sum(d < dim for d in dims)
            value = value.at(replace(value.layout, dim=dim - fewer))
        values.append(value)
    return several(operation, values)


def several(operation: Operation, values: list[Known]) -> Value:
    """All values joined, as often as the operation has results."""
    joined = operation.joined_anywhere(values)
    results = operation.instruction.parts
    if not results:
        return operation.placed(joined)
    return Several(tuple(operation.placed(joined, each) for each in results))


def reduce_window(operation: Operation) -> Value:
    """A reduction of the window around each element."""
    return _windowed(operation, len(operation.operands) // 2)


def select_and_scatter(operation: Operation) -> Value:
    """The gradient of a reduction of windows."""
    return _windowed(operation, 2)


def _windowed(operation: Operation, arrays: int) -> Value:
    each = operation.instruction.each
    for index in range(arrays):
        for dim in operation.row_dims(index):
            windows = [i.window.dimensions[dim] for i in each]
            if any(
                w.size != 1
                or w.stride > 1
                or w.padding_low
                or w.padding_high
                or w.window_dilation > 1
                or w.base_dilation > 1
                for w in windows
            ):
                return operation.mixed("reduces over neighbouring rows")
    values = [operation.array(i) for i in range(len(operation.operands))]
    if any(v.kind == Kind.NUMBER for v in values):
        return operation.mixed("uses the number of the row")
    return several(operation, values)


def sort(operation: Operation) -> Value:
    """Arrays sorted together along a dimension."""
    (dim,) = operation.instruction.same(lambda i: tuple(i.dimensions))
    values = [operation.array(i) for i in range(len(operation.operands))]
    if any(dim in operation.row_dims(i) for i in range(len(values))):
        return operation.mixed("sorts the rows")
    if any(v.kind == Kind.NUMBER for v in values):
        return operation.mixed("uses the number of the row")
    return several(operation, values)


def custom_call(operation: Operation) -> Value:
    """Code that XLA knows by name. Of these, TopK is along the last dimension.

    So are kernels of ours, which pass for it.
    """
    target = operation.instruction.same(lambda i: i.custom_call_target)
    if target != "TopK":
        return operation.unknown(f"calls {target}, which the analysis does not know")
    last = len(operation.sources[0].dims) - 1
    if last in operation.row_dims(0):
        return operation.mixed("sorts the rows")
    return several(operation, [operation.array(0)])


def of_matrices(operation: Operation) -> Value:
    """Matrices in the last two dimensions, each by itself."""
    return _of_last(operation, 2)


def fft(operation: Operation) -> Value:
    """Transforms along the last dimensions."""
    return _of_last(operation, len(operation.instruction.first.fft_length))


def _of_last(operation: Operation, count: int) -> Value:
    values = [operation.array(i) for i in range(len(operation.operands))]
    for index, source in enumerate(operation.sources):
        if any(d >= len(source.dims) - count for d in operation.row_dims(index)):
            return operation.mixed("computes with the rows as a matrix")
    return operation.joined(values)


def normalization(operation: Operation) -> Value:
    """Features scaled and shifted by numbers that are the same for all rows."""
    feature = operation.instruction.same(lambda i: i.feature_index)
    if feature in operation.row_dims(0):
        return operation.unknown()
    return operation.joined(
        [operation.array(i) for i in range(len(operation.operands))]
    )
