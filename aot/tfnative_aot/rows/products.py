# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rules for products of matrices and convolutions."""

from __future__ import annotations

from dataclasses import replace

from tfnative_aot.rows.operation import Operation
from tfnative_aot.rows.value import Kind, Known, Value


def dot(operation: Operation) -> Value:
    """A product: sums over contracted dimensions."""
    numbers = operation.instruction.same(lambda i: i.dot_dimension_numbers)
    batches = (tuple(numbers.lhs_batch_dimensions), tuple(numbers.rhs_batch_dimensions))
    contracted = (
        tuple(numbers.lhs_contracting_dimensions),
        tuple(numbers.rhs_contracting_dimensions),
    )
    values: list[Known] = []
    first_free = len(batches[0])
    for side in (0, 1):
        value, source = operation.array(side), operation.sources[side]
        if any(dim in contracted[side] for dim in source.row_dims):
            return operation.mixed("sums over the rows")
        if value.kind == Kind.NUMBER:
            return operation.mixed("uses the number of the row")
        free = [
            dim
            for dim in range(len(source.dims))
            if dim not in batches[side] and dim not in contracted[side]
        ]
        if value.layout is not None:
            dim = value.layout.dim
            if dim in batches[side]:
                place = batches[side].index(dim)
            else:
                place = first_free + free.index(dim)
            value = value.at(replace(value.layout, dim=place))
        first_free += len(free)
        values.append(value)
    return operation.joined(values)


def convolution(operation: Operation) -> Value:
    """A convolution: sums over features and places, one image a row."""
    numbers = operation.instruction.same(lambda i: i.convolution_dimension_numbers)
    images, kernel = operation.array(0), operation.array(1)
    if operation.row_dims(1):
        return operation.mixed("makes a kernel of the rows")
    if images.kind == Kind.NUMBER:
        return operation.mixed("uses the number of the row")
    groups = operation.instruction.same(lambda i: i.batch_group_count)
    if any(dim != numbers.input_batch_dimension for dim in operation.row_dims(0)):
        return operation.mixed("sums over the rows")
    if groups > 1:
        return operation.unknown("groups rows")
    if images.layout is not None:
        place = numbers.output_batch_dimension
        images = images.at(replace(images.layout, dim=place))
    return operation.joined([images, kernel])
