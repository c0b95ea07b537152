# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The packed form of weights is the one that kernels.h describes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tfnative_aot.machines.cpu_levels import X86_LEVELS, VariantKey
from tfnative_aot.program.memory import Allocation, Buffer, Constant, Shape, Slice
from tfnative_aot.program.passes.pack_weights import pack_weights
from tfnative_aot.program.passes.packing import PANEL, pack_filter, pack_matrix
from tfnative_aot.program.passes.packing_int8 import pack_int8_matrix
from tfnative_aot.program.passes.stored_weights import Weights
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    Call,
    Conditional,
    Dot,
    Kernel,
    Matrix,
    Source,
    Step,
    While,
)
from tfnative_aot.program.traverse import walk
from tfnative_aot.quantize.rounding import rounded

SOURCE = Source("nested")


@pytest.mark.parametrize(("k", "n"), [(1, 1), (3, 16), (5, 17), (7, 40)])
def test_a_matrix_is_packed_in_panels_of_columns(k: int, n: int) -> None:
    matrix = np.arange(1, k * n + 1, dtype=np.float32).reshape(k, n)
    packed = pack_matrix(matrix)
    assert packed.shape == (-(-n // PANEL), k, PANEL)
    for row in range(k):
        for column in range(packed.shape[0] * PANEL):
            value = packed[column // PANEL, row, column % PANEL]
            assert value == (matrix[row, column] if column < n else 0)


def test_a_filter_is_packed_group_by_group() -> None:
    weights = np.random.default_rng(0).random((1, 3, 3, 4, 10), np.float32)
    packed = pack_filter(weights, groups=2)
    assert packed.shape == (2, 1, 36, PANEL)
    np.testing.assert_array_equal(packed[1, 0, :, :5], weights[..., 5:].reshape(36, 5))


def _program(matrix: np.ndarray, order: tuple[int, int], *, left: bool) -> Program:
    """A program of one kernel that multiplies by a constant."""
    m, k, n = (3, *matrix.shape) if not left else (*matrix.shape, 3)
    data = matrix.astype(np.float32).tobytes(order="C" if order == (1, 0) else "F")
    weights = Buffer(Slice(0, 0, len(data)), Shape("f32", matrix.shape, order))
    other_dims = (3, matrix.shape[0]) if not left else (matrix.shape[1], 3)
    other = Buffer(Slice(1, 0, 4), Shape("f32", other_dims, (1, 0)))
    out = Buffer(Slice(2, 0, 4), Shape("f32", (m, n), (1, 0)))
    strides = Matrix(0, *weights.shape.strides)
    plain = Matrix(0, *other.shape.strides)
    lhs, rhs = (weights, other) if left else (other, weights)
    dot = Dot(
        source=Source("dot"),
        dtype="f32",
        batch=1,
        m=m,
        n=n,
        k=k,
        lhs=lhs,
        rhs=rhs,
        out=out,
        lhs_matrix=strides if left else plain,
        rhs_matrix=plain if left else strides,
        out_matrix=Matrix(0, n, 1),
    )
    kernel = Kernel(Source("dot"), "dot", (lhs, rhs), (out,), (1, 1, 1), dot)
    return Program(
        key=VariantKey(0, 1, X86_LEVELS[0]),
        object_file=Path("unused.o"),
        steps=(kernel,),
        allocations=(
            Allocation(0, len(data), "constant"),
            Allocation(1, 4, "input", 0),
            Allocation(2, 4, "output", 0),
        ),
        constants={0: Constant(weights.shape, data)},
        input_shapes=(other.shape,),
        output_shapes=(out.shape,),
        output_slices=(out.slice,),
    )


@pytest.mark.parametrize("order", [(1, 0), (0, 1)])
def test_memory_order_does_not_change_the_packed_form(order: tuple[int, int]) -> None:
    matrix = np.random.default_rng(1).random((6, 20), np.float32)
    packed = pack_weights(_program(matrix, order, left=False))
    (step,) = packed.steps
    assert isinstance(step, Dot)
    assert step.packed
    content = packed.constants[step.rhs.slice.allocation].data
    assert content == pack_matrix(matrix).tobytes()


def test_a_constant_on_the_left_is_multiplied_from_the_right() -> None:
    matrix = np.random.default_rng(2).random((20, 6), np.float32)
    packed = pack_weights(_program(matrix, (1, 0), left=True))
    (step,) = packed.steps
    assert isinstance(step, Dot)
    assert (step.m, step.n, step.k) == (3, 20, 6)
    content = packed.constants[step.rhs.slice.allocation].data
    assert content == pack_matrix(np.ascontiguousarray(matrix.T)).tobytes()
    assert step.out_matrix == Matrix(0, 1, 3)


def test_few_columns_are_left_to_xla() -> None:
    matrix = np.ones((6, 2), np.float32)
    program = _program(matrix, (1, 0), left=False)
    assert pack_weights(program).steps == program.steps


@pytest.mark.parametrize(("length", "is_ours"), [(256, False), (257, True)])
def test_long_products_are_not_left_to_a_single_loop(
    length: int, is_ours: bool
) -> None:
    program = _program(np.ones((length, 3), np.float32), (1, 0), left=False)
    (step,) = pack_weights(program).steps
    assert isinstance(step, Dot) == is_ours


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("asked", "u8"), ("another node", "s8"), ("no whole numbers", "f32")],
)
def test_a_product_is_computed_in_whole_numbers_where_that_is_asked_and_exact(
    kind: str, expected: str
) -> None:
    matrix = np.random.default_rng(3).standard_normal((6, 20)).astype(np.float32)
    if kind != "no whole numbers":
        matrix = rounded(matrix, "s8", (0,))
    products = frozenset({"other" if kind == "another node" else "product"})
    program = _program(matrix, (1, 0), left=False)
    (kernel,) = program.steps
    assert isinstance(kernel, Kernel)
    assert kernel.dot is not None
    dot = replace(kernel.dot, source=Source("dot", "product", "MatMul"))
    packed = pack_weights(
        replace(program, steps=(replace(kernel, dot=dot),)),
        weights=Weights("s8", in_int8=True, products=products),
    )
    (step,) = packed.steps
    assert isinstance(step, Dot)
    assert step.rhs.shape.dtype == expected
    assert step.in_int8 is (expected == "u8")
    assert (step.scale is not None) is (expected == "s8")
    if step.in_int8:
        scale = np.abs(matrix).max(axis=0) / np.float32(127)
        whole = np.rint(matrix / scale).astype(np.int8)
        content = packed.constants[step.rhs.slice.allocation].data
        assert content == pack_int8_matrix(whole, scale).tobytes()


PLACE = Slice(2, 0, 1)


@pytest.mark.parametrize(
    "nest",
    [
        lambda inner: While(SOURCE, inner, (), PLACE, None),
        lambda inner: While(SOURCE, (), inner, PLACE, 3),
        lambda inner: Conditional(SOURCE, ((), inner), PLACE),
        lambda inner: Call(SOURCE, inner),
        lambda inner: Call(SOURCE, (While(SOURCE, (), inner, PLACE, 3),)),
    ],
    ids=["condition", "body", "branch", "call", "call with a loop"],
)
def test_products_in_loops_and_branches_are_packed(nest: Callable[..., Step]) -> None:
    program = _program(np.ones((6, 20), np.float32), (1, 0), left=False)
    packed = pack_weights(replace(program, steps=(nest(program.steps),)))
    (product,) = (step for step in walk(packed.steps) if isinstance(step, Dot))
    assert product.packed
    assert not any(isinstance(step, Kernel) for step in walk(packed.steps))
