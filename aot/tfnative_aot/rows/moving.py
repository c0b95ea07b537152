# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rules for what moves elements without computing anything."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from tfnative_aot.rows.instruction import Instruction, by_dimension
from tfnative_aot.rows.literal import array_of
from tfnative_aot.rows.operation import Operation, concrete
from tfnative_aot.rows.value import COUNTS, Indices, Kind, Known, Layout, Value


def constant(operation: Operation) -> Value:
    """A literal: the same for all numbers of rows, or their numbers, or neither."""
    instruction = operation.instruction
    arrays = [array_of(i.literal) for i in instruction.each]
    if not instruction.row_dims:
        first = arrays[0].tobytes()
        if all(a.tobytes() == first for a in arrays[1:]):
            return Known()
        return operation.mixed(COUNTS)
    if len(instruction.row_dims) > 1:
        return operation.unknown()
    (dim,) = instruction.row_dims
    if instruction.multiple(dim) > 1:
        return _several_of_each(operation, dim, arrays)
    rows_first = [np.moveaxis(a, dim, 0) for a in arrays]
    of_row = rows_first[0][0].tobytes()
    if all(row.tobytes() == of_row for a in rows_first for row in a):
        return Known()
    flat = [a.reshape(len(a), -1) for a in rows_first]
    if all((f == np.arange(len(f))[:, None]).all() for f in flat):
        return Known(Kind.NUMBER, Layout(dim))
    columns = _columns(rows_first)
    if columns is not None and dim < len(instruction.dims) - 1:
        return Indices(len(instruction.dims) - 1, columns)
    return operation.mixed("treats rows differently by their place")


def _several_of_each(operation: Operation, dim: int, arrays: list[Any]) -> Value:
    """A literal with several elements of each row, as if repeated or tiled."""
    many = operation.instruction.multiple(dim)
    flat = [np.moveaxis(a, dim, 0).reshape(a.shape[dim], -1) for a in arrays]
    if all((f == flat[0][:1]).all() for f in flat):
        return Known()
    for inner in (n for n in range(1, many + 1) if many % n == 0):
        if all(
            (f == (np.arange(len(f)) // inner % (len(f) // many))[:, None]).all()
            for f in flat
        ):
            return Known(Kind.NUMBER, Layout(dim, many // inner, inner))
    return operation.unknown()


def _columns(arrays: list[Any]) -> tuple[Known, ...] | None:
    """Of a list of indices for each number of rows: what each index is, if known."""
    if arrays[0].ndim < 2:
        return None
    columns = []
    for column in range(arrays[0].shape[-1]):
        each = [a[..., column].reshape(len(a), -1) for a in arrays]
        if all((e == np.arange(len(e))[:, None]).all() for e in each):
            columns.append(Known(Kind.NUMBER, Layout(0)))
        elif all((e == each[0][:1]).all() for e in each):
            columns.append(Known())
        else:
            return None
    return tuple(columns)


def iota(operation: Operation) -> Value:
    """Numbers that count along a dimension."""
    dims = operation.instruction.same(lambda i: tuple(i.dimensions))
    dim = dims[0] if dims else 0
    if dim not in operation.instruction.row_dims:
        return Known()
    if operation.instruction.row_dims != (dim,):
        return operation.unknown()
    if operation.instruction.multiple(dim) > 1:
        return operation.mixed("uses the number of the row")
    return Known(Kind.NUMBER, Layout(dim))


def broadcast(operation: Operation) -> Value:
    """An array repeated along new dimensions."""
    value = operation.array(0)
    if value.layout is None:
        # Along the dimensions that have rows it is constant, or stays so.
        return operation.placed(value)
    places = operation.instruction.same(lambda i: tuple(i.dimensions))
    layout = replace(value.layout, dim=places[value.layout.dim])
    return operation.placed(value.at(layout))


def reshape(operation: Operation) -> Value:
    """The same elements in the same order, in other dimensions."""
    source = operation.sources[0]
    value = operation.array(0)
    if not source.row_dims and not operation.instruction.row_dims:
        return value
    if value.layout is None and _keeps_rows(source, operation.instruction):
        return operation.placed(value)
    value = concrete(value, source)
    dims = operation.instruction.row_dims
    if value.layout is None or len(dims) != 1:
        return operation.unknown()
    layout = value.layout
    # From an element of a row to the same element of the next one.
    step = layout.inner * _after(source, layout.dim)
    after = _after(operation.instruction, dims[0])
    many = operation.instruction.multiple(dims[0])
    if step % after or many % (step // after):
        return operation.unknown()
    inner = step // after
    return operation.placed(value.at(Layout(dims[0], many // inner, inner)))


def _after(instruction: Instruction, dim: int) -> int:
    return math.prod(sizes[0] for sizes in instruction.dims[dim + 1 :])


def _keeps_rows(source: Instruction, target: Instruction) -> bool:
    """Whether the only dimension with rows is not merged with others, nor parted."""
    if len(source.row_dims) != 1 or len(target.row_dims) != 1:
        return False
    (before,), (now,) = source.row_dims, target.row_dims
    same_size = source.multiple(before) == target.multiple(now)
    return same_size and _after(source, before) == _after(target, now)


def transpose(operation: Operation) -> Value:
    """Dimensions in another order."""
    value = operation.array(0)
    if value.layout is None:
        return operation.placed(value)
    order = operation.instruction.same(lambda i: tuple(i.dimensions))
    layout = replace(value.layout, dim=order.index(value.layout.dim))
    return operation.placed(value.at(layout))


def reverse(operation: Operation) -> Value:
    """Some dimensions backwards."""
    value = operation.array(0)
    dims = operation.instruction.same(lambda i: tuple(i.dimensions))
    if value.layout is not None and value.layout.dim in dims:
        return operation.mixed("reverses the rows")
    return operation.placed(value)


def slice_(operation: Operation) -> Value:
    """A part of each dimension."""
    value, source = operation.array(0), operation.sources[0]
    each = operation.instruction.each
    starts = by_dimension(each, lambda i: [s.start for s in i.slice_dimensions])
    limits = by_dimension(each, lambda i: [s.limit for s in i.slice_dimensions])
    strides = by_dimension(each, lambda i: [s.stride for s in i.slice_dimensions])
    parted = [
        d
        for d in source.row_dims
        if set(starts[d]) != {0}
        or set(strides[d]) != {1}
        or limits[d] != source.dims[d]
    ]
    if not parted:
        return operation.placed(value)
    if value.layout is None:
        # Equal all along the dimension: any part is.
        return operation.placed(value)
    (dim,) = parted
    layout = value.layout
    blocks = [
        (start // (n * layout.inner), limit // (n * layout.inner))
        for start, limit, n in zip(
            starts[dim], limits[dim], operation.instruction.rows, strict=True
        )
        if start % (n * layout.inner) == 0 and limit % (n * layout.inner) == 0
    ]
    if len(blocks) != len(each) or len(set(blocks)) > 1 or set(strides[dim]) != {1}:
        return operation.mixed("takes some of the rows")
    (first, last) = blocks[0]
    return operation.placed(value.at(replace(layout, outer=last - first)))


def concatenate(operation: Operation) -> Value:
    """Arrays one after the other along a dimension."""
    (dim,) = operation.instruction.same(lambda i: tuple(i.dimensions))
    filled = [i for i, s in enumerate(operation.sources) if any(s.dims[dim])]
    values = [operation.array(i) for i in filled]
    sources = [operation.sources[i] for i in filled]
    if any(v.kind == Kind.NUMBER for v in values):
        widths = [source.dims[dim] for source in sources]
        if dim in operation.instruction.row_dims or any(
            len(set(w)) > 1 for w in widths
        ):
            return operation.mixed("uses the number of the row")
        pieces = zip((w[0] for w in widths), values, strict=True)
        return Indices(dim, tuple(v for w, v in pieces for _ in range(w)))
    if not any(dim in source.row_dims for source in sources):
        return operation.joined(values)
    layouts = []
    for value, source in zip(values, sources, strict=True):
        if source.row_dims != (dim,):
            return operation.mixed("puts other rows beside the rows")
        layouts.append(concrete(value, source).layout)
    inner = {layout.inner for layout in layouts if layout}
    if len(inner) != 1 or None in layouts:
        return operation.unknown()
    outer = sum(layout.outer for layout in layouts if layout)
    whole = Layout(dim, outer, inner.pop())
    return operation.joined([value.at(whole) for value in values])


def pad(operation: Operation) -> Value:
    """Elements before, after and between those of an array."""
    each = operation.instruction.each
    for dim in operation.row_dims(0):
        for field in ("edge_padding_low", "edge_padding_high", "interior_padding"):
            sizes = [getattr(i.padding_config.dimensions[dim], field) for i in each]
            if any(sizes):
                return operation.mixed("adds rows")
    return operation.joined([operation.array(0), operation.array(1)])
