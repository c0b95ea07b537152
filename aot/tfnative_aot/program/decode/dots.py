# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads products of matrices."""

from __future__ import annotations

import math
from typing import Any

from tfnative_aot.program.memory import Buffer, Shape
from tfnative_aot.program.steps import Dot, Matrix, Source


def make_dot(
    source: Source, dims: Any, lhs: Buffer, rhs: Buffer, out: Buffer
) -> Dot | None:
    """A matrix product with its strides, or None if it is none of matrices."""
    batch_rank = len(dims.lhs_batch)
    ordered = tuple(range(batch_rank))
    if tuple(dims.lhs_batch) != ordered or tuple(dims.rhs_batch) != ordered:
        return None
    if len(dims.lhs_contracting) != 1 or len(dims.rhs_contracting) != 1:
        return None
    left = _matrix(lhs.shape, batch_rank, row=None, col=dims.lhs_contracting[0])
    right = _matrix(rhs.shape, batch_rank, row=dims.rhs_contracting[0], col=None)
    if left is None or right is None:
        return None
    (lhs_matrix, m, k), (rhs_matrix, _, n) = left, right
    out_dims = len(out.shape.dims) - batch_rank
    has_m = len(lhs.shape.dims) - batch_rank == 2
    strides = out.shape.strides[batch_rank:]
    if has_m:
        row_stride = strides[0]
        col_stride = strides[1] if out_dims == 2 else 1
    else:
        row_stride, col_stride = n, strides[0] if out_dims == 1 else 1
    out_batch = _batch_stride(out.shape, batch_rank)
    if out_batch is None:
        return None
    return Dot(
        source=source,
        dtype=out.shape.dtype,
        batch=math.prod(out.shape.dims[:batch_rank]),
        m=m,
        n=n,
        k=k,
        lhs=lhs,
        rhs=rhs,
        out=out,
        lhs_matrix=lhs_matrix,
        rhs_matrix=rhs_matrix,
        out_matrix=Matrix(out_batch, row_stride, col_stride),
    )


def _matrix(
    shape: Shape, batch_rank: int, *, row: int | None, col: int | None
) -> tuple[Matrix, int, int] | None:
    """Strides, rows and columns of an operand, one of whose dimensions is given.

    The other one is what is left, or missing (a vector), which counts as size 1.
    """
    given = row if row is not None else col
    rest = [d for d in range(batch_rank, len(shape.dims)) if d != given]
    batch_stride = _batch_stride(shape, batch_rank)
    if len(rest) > 1 or batch_stride is None or given is None:
        return None
    strides = shape.strides
    given_size, given_stride = shape.dims[given], strides[given]
    other_size = shape.dims[rest[0]] if rest else 1
    other_stride = strides[rest[0]] if rest else given_size * given_stride
    if row is not None:
        return Matrix(batch_stride, given_stride, other_stride), given_size, other_size
    return Matrix(batch_stride, other_stride, given_stride), other_size, given_size


def _batch_stride(shape: Shape, batch_rank: int) -> int | None:
    """Distance between matrices, if the batch dimensions collapse into one."""
    strides = shape.strides
    for d in range(batch_rank - 1):
        if strides[d] != strides[d + 1] * shape.dims[d + 1]:
            return None
    return strides[batch_rank - 1] if batch_rank else 0
