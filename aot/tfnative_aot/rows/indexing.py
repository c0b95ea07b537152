# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rules for what takes and puts elements by their index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tfnative_aot.rows.instruction import Sizes, by_dimension
from tfnative_aot.rows.operation import Operation
from tfnative_aot.rows.value import Indices, Kind, Known, Layout, Value

_TAKES = "takes other rows"


def dynamic_slice(operation: Operation) -> Value:
    """A part whose place is computed."""
    value, source = operation.array(0), operation.sources[0]
    taken = by_dimension(operation.instruction.each, lambda i: i.dynamic_slice_sizes)
    indices = _scalars(operation, 1)
    if any(index.kind == Kind.ROUND for index in indices):
        return _row_of_round(operation, value, indices, taken)
    if any(taken[dim] != source.dims[dim] for dim in source.row_dims):
        return operation.mixed(_TAKES)
    return operation.joined([value, *indices])


def _row_of_round(
    operation: Operation,
    value: Known,
    indices: list[Known],
    taken: Sequence[Sizes],
) -> Value:
    """What a loop takes in each round: the row that has the number of the round."""
    dim = _dim_of_round(operation, indices, taken)
    if dim is None:
        return operation.mixed(_TAKES)
    kind = Kind.OF_ROUND if value.kind == Kind.ROWS else value.kind
    rest = [index for at, index in enumerate(indices) if at != dim]
    return _used(operation, [Known(kind), *rest])


def _dim_of_round(
    operation: Operation, indices: list[Known], sizes: Sequence[Sizes]
) -> int | None:
    """The dimension of an array's rows, if a slice is the row of the round's number.

    Args:
        operation: Takes the slice, or puts it into the array.
        indices: What is known of where the slice begins.
        sizes: Of the slice, by dimension.
    """
    rows = operation.row_dims(0)
    if [at for at, i in enumerate(indices) if i.kind == Kind.ROUND] != list(rows):
        return None
    (dim,) = rows
    is_row = operation.sources[0].multiple(dim) == 1 and set(sizes[dim]) == {1}
    return dim if is_row and operation.array(0).layout in (None, Layout(dim)) else None


def dynamic_update_slice(operation: Operation) -> Value:
    """An array with a part replaced, whose place is computed."""
    into, update = operation.sources[0], operation.sources[1]
    indices = _scalars(operation, 2)
    if any(index.kind == Kind.ROUND for index in indices):
        return _put_by_round(operation, indices)
    if any(update.dims[dim] != into.dims[dim] for dim in into.row_dims):
        return operation.mixed("replaces some of the rows")
    arrays = [operation.array(0), operation.array(1)]
    if any(array.kind == Kind.NUMBER for array in arrays):
        return operation.mixed("uses the number of the row")
    return operation.joined([*arrays, *indices])


def _put_by_round(operation: Operation, indices: list[Known]) -> Value:
    """What a loop keeps of each round, in the row that has the round's number."""
    into, update = operation.array(0), operation.array(1)
    dim = _dim_of_round(operation, indices, operation.sources[1].dims)
    if dim is None:
        return operation.mixed("replaces some of the rows")
    rest = [index for at, index in enumerate(indices) if at != dim]
    if any(index.kind != Kind.SAME for index in rest):
        return operation.unknown()
    if into.kind not in (Kind.SAME, Kind.ROWS) or update.layout is not None:
        return operation.mixed("puts rows in the places of others")
    if update.kind not in (Kind.SAME, Kind.OF_ROUND):
        return operation.mixed("puts rows in the places of others")
    # The row of a round that has not been yet has what was there before.
    return operation.placed(Known(Kind.ROWS, Layout(dim)))


def _scalars(operation: Operation, first: int) -> list[Known]:
    return [operation.array(i) for i in range(first, len(operation.operands))]


def gather(operation: Operation) -> Value:
    """Parts of an array, each at indices of its own."""
    numbers = operation.instruction.same(lambda i: i.gather_dimension_numbers)
    value, source = operation.array(0), operation.sources[0]
    index_dim = numbers.index_vector_dim
    columns = _columns(operation, 1, index_dim)
    offsets = tuple(numbers.offset_dims)
    # Dimensions of the result that count the indices, in order.
    places = [d for d in range(len(operation.instruction.dims)) if d not in offsets]
    moved = [_moved(column, index_dim, places) for column in columns]
    if value.kind == Kind.NUMBER:
        return operation.mixed("uses the number of the row")
    if not source.row_dims:
        return _used(operation, [value, *moved])
    if len(source.row_dims) > 1:
        return operation.unknown()
    (dim,) = source.row_dims
    sizes = by_dimension(operation.instruction.each, lambda i: i.gather_slice_sizes)
    batching = tuple(numbers.operand_batching_dims)
    if dim in batching:
        index = numbers.start_indices_batching_dims[batching.index(dim)]
        place = places[index - (index > index_dim)]
        return _used(operation, [_at(value, place), *moved])
    if sizes[dim] == source.dims[dim]:
        dropped = {*numbers.collapsed_slice_dims, *batching}
        window = [d for d in range(len(source.dims)) if d not in dropped]
        if dim not in window:
            return operation.unknown()
        return _used(operation, [_at(value, offsets[window.index(dim)]), *moved])
    return _own_rows(operation, value, tuple(numbers.start_index_map), moved, dim)


def _own_rows(
    operation: Operation,
    value: Known,
    indexed: tuple[int, ...],
    columns: list[Known],
    dim: int,
) -> Value:
    """Where each row's index in the dimension of the rows is its own number."""
    if dim not in indexed or len(columns) != len(indexed):
        return operation.mixed(_TAKES)
    number = columns[indexed.index(dim)]
    trivial = value.layout is None or value.layout == Layout(dim)
    if number.kind != Kind.NUMBER or number.layout is None or not trivial:
        return operation.mixed(_TAKES)
    others = [c for at, c in enumerate(columns) if at != indexed.index(dim)]
    of_rows = Known(value.kind, number.layout)
    return _used(operation, [of_rows, *others])


def scatter(operation: Operation) -> Value:
    """Arrays with parts put at, or added to, computed places."""
    count = (len(operation.operands) - 1) // 2
    if count != 1:
        return operation.unknown()
    numbers = operation.instruction.same(lambda i: i.scatter_dimension_numbers)
    value, source = operation.array(0), operation.sources[0]
    update, updates = operation.array(2), operation.sources[2]
    index_dim = numbers.index_vector_dim
    columns = _columns(operation, 1, index_dim)
    windows = tuple(numbers.update_window_dims)
    # Dimensions of the updates that count the indices, in order.
    places = [d for d in range(len(updates.dims)) if d not in windows]
    if not source.row_dims:
        indices_have_rows = operation.row_dims(1)
        if updates.row_dims or indices_have_rows:
            return operation.mixed("puts rows together")
        return _used(operation, [value, update, *columns])
    if len(source.row_dims) > 1 or len(updates.row_dims) != 1:
        return operation.mixed("changes some of the rows")
    if len(operation.row_dims(1)) > 1:
        return operation.unknown()
    (dim,), (of_update,) = source.row_dims, updates.row_dims
    batching = tuple(numbers.input_batching_dims)
    if dim in batching:
        index = numbers.scatter_indices_batching_dims[batching.index(dim)]
        if places[index - (index > index_dim)] != of_update:
            return operation.unknown()
    elif dim not in tuple(numbers.inserted_window_dims):
        dropped = {*numbers.inserted_window_dims, *batching}
        window = [d for d in range(len(source.dims)) if d not in dropped]
        whole = updates.dims[of_update] == source.dims[dim]
        if not whole or of_update != windows[window.index(dim)]:
            return operation.mixed("changes some of the rows")
    else:
        indexed = tuple(numbers.scatter_dims_to_operand_dims)
        if dim not in indexed or len(columns) != len(indexed):
            return operation.mixed("changes some of the rows")
        number = columns[indexed.index(dim)]
        if number.kind != Kind.NUMBER or number.layout is None:
            return operation.mixed("puts rows in the places of others")
        if places[number.layout.dim - (number.layout.dim > index_dim)] != of_update:
            return operation.unknown()
        columns = [c for at, c in enumerate(columns) if at != indexed.index(dim)]
        return _put(operation, dim, number.layout, [update, *columns])
    moved = [_at(each, dim) for each in (value, update, *columns)]
    return _used(operation, moved)


def _put(operation: Operation, dim: int, numbers: Layout, given: list[Known]) -> Value:
    """Several elements of each row, put into that row by its number."""
    value = operation.array(0)
    if operation.sources[0].multiple(dim) != 1 or value.layout not in (
        None,
        Layout(dim),
    ):
        return operation.unknown()
    for each in given:
        own = each.layout
        if own and (own.outer, own.inner) != (numbers.outer, numbers.inner):
            return operation.unknown("puts rows in the places of others")
    moved = [each if each.layout is None else each.at(Layout(dim)) for each in given]
    return _used(operation, [value, *moved])


def _columns(operation: Operation, index: int, index_dim: int) -> list[Known]:
    """What is known of each component of the indices."""
    value = operation.operands[index]
    if isinstance(value, Indices):
        if value.dim != index_dim:
            return [Known(Kind.NUMBER)]
        return list(value.columns)
    source = operation.sources[index]
    count = source.dims[index_dim][0] if index_dim < len(source.dims) else 1
    return [operation.array(index)] * count


def _moved(column: Known, index_dim: int, places: list[int]) -> Known:
    """A component with its rows where the result has them."""
    if column.layout is None:
        return column
    dim = column.layout.dim - (column.layout.dim > index_dim)
    return column.at(replace(column.layout, dim=places[dim]))


def _at(value: Known, dim: int) -> Known:
    return value if value.layout is None else value.at(replace(value.layout, dim=dim))


def _used(operation: Operation, values: Iterable[Known]) -> Value:
    values = list(values)
    if any(value.kind == Kind.NUMBER for value in values):
        return operation.mixed("uses the number of the row")
    return operation.joined(values)
