# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Fused computations become expressions only if they are element-wise, and in f32."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.aot.program.decode.hlo_builder import Computation
from tfnative_aot.program.decode.expressions import read_expression
from tfnative_aot.program.expression import (
    OPERATIONS,
    Apply,
    Channel,
    ChannelConstant,
    Element,
    Expression,
    Scalar,
)

ROWS, CHANNELS = 3, 4


def read(c: Computation, root: Any) -> Expression | None:
    return read_expression(SimpleNamespace(root_id=root.id), c.instructions)


@pytest.fixture
def c() -> Computation:
    return Computation()


def test_parameters_are_elements(c: Computation) -> None:
    a, b = c.parameter(ROWS, CHANNELS), c.parameter(ROWS, CHANNELS)
    root = c.add("subtract", (ROWS, CHANNELS), b, a)
    assert read(c, root) == Apply("subtract", (Element(1), Element(0)))


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_operations_keep_their_names(c: Computation, operation: str) -> None:
    root = c.add(operation, (CHANNELS,), c.parameter(CHANNELS))
    assert read(c, root) == Apply(operation, (Element(0),))


def test_a_value_that_is_used_twice_is_read_once(c: Computation) -> None:
    x = c.add("tanh", (CHANNELS,), c.parameter(CHANNELS))
    result = read(c, c.add("multiply", (CHANNELS,), x, x))
    assert isinstance(result, Apply)
    assert result.operands[0] is result.operands[1]


def test_a_vector_along_the_last_dimension_is_of_channels(c: Computation) -> None:
    dims = (2, ROWS, CHANNELS)
    x, bias = c.parameter(*dims), c.parameter(CHANNELS)
    root = c.add("add", dims, x, c.broadcast(bias, dims, 2))
    assert read(c, root) == Apply("add", (Element(0), Channel(1)))


def test_a_vector_may_be_a_constant(c: Computation) -> None:
    dims, values = (ROWS, CHANNELS), [1.0, 2.0, 3.0, 4.0]
    bias = c.broadcast(c.constant(values), dims, 1)
    root = c.add("add", dims, c.parameter(*dims), bias)
    constant = ChannelConstant(np.array(values, np.float32).tobytes())
    assert read(c, root) == Apply("add", (Element(0), constant))


def test_a_number_is_a_scalar(c: Computation) -> None:
    dims = (ROWS, CHANNELS)
    zero = c.broadcast(c.constant(-0.5), dims)
    root = c.add("maximum", dims, c.parameter(*dims), zero)
    assert read(c, root) == Apply("maximum", (Element(0), Scalar(-0.5)))


def test_other_views_of_the_same_memory_change_nothing(c: Computation) -> None:
    flat, dims = (ROWS * CHANNELS,), (ROWS, CHANNELS)
    x = c.add("bitcast", dims, c.parameter(*flat))
    bias = c.add("reshape", (CHANNELS,), c.parameter(1, CHANNELS))
    total = c.add("add", dims, x, c.broadcast(bias, dims, 1))
    root = c.add("bitcast", (1, *flat), c.add("copy", dims, total))
    assert read(c, root) == Apply("add", (Element(0), Channel(1)))


DIMS = (ROWS, CHANNELS)


def _along_rows(c: Computation) -> Any:
    return c.broadcast(c.parameter(ROWS), DIMS, 0)


def _along_rows_of_a_square(c: Computation) -> Any:
    dims = (CHANNELS, CHANNELS)
    column = c.broadcast(c.parameter(CHANNELS), dims, 0)
    return c.add("add", dims, c.parameter(*dims), column)


def _of_two_dimensions(c: Computation) -> Any:
    return c.broadcast(c.parameter(ROWS, CHANNELS), (2, *DIMS), 1, 2)


def _of_a_parameter_that_is_one_number(c: Computation) -> Any:
    return c.broadcast(c.parameter(), DIMS)


def _of_something_computed(c: Computation) -> Any:
    vector = c.add("tanh", (CHANNELS,), c.parameter(CHANNELS))
    return c.broadcast(vector, DIMS, 1)


def _to_other_channels(c: Computation) -> Any:
    """The vector runs along 4 of 12 channels of the result."""
    view = c.broadcast(c.parameter(CHANNELS), DIMS, 1)
    flat = c.add("bitcast", (1, ROWS * CHANNELS), view)
    return c.add("add", (1, ROWS * CHANNELS), c.parameter(1, 12), flat)


def _to_fewer_elements(c: Computation) -> Any:
    """A part of the result, as of a concatenation."""
    part = c.broadcast(c.parameter(CHANNELS), (1, CHANNELS), 1)
    return c.add("add", DIMS, c.parameter(*DIMS), part)


def _of_integers(c: Computation) -> Any:
    return c.broadcast(c.parameter(CHANNELS, dtype="s32"), DIMS, 1)


def _of_a_matrix_by_columns(c: Computation) -> Any:
    matrix = c.add("reshape", (2, 2), c.parameter(2, 2), order=(0, 1))
    return c.broadcast(c.add("bitcast", (CHANNELS,), matrix), DIMS, 1)


@pytest.mark.parametrize(
    "broadcast",
    [
        _along_rows,
        _along_rows_of_a_square,
        _of_two_dimensions,
        _of_a_parameter_that_is_one_number,
        _of_something_computed,
        _to_other_channels,
        _to_fewer_elements,
        _of_integers,
        _of_a_matrix_by_columns,
    ],
)
def test_other_broadcasts_are_no_expression(
    c: Computation, broadcast: Callable[[Computation], Any]
) -> None:
    assert read(c, broadcast(c)) is None


@pytest.mark.parametrize(
    "opcode", ["reduce", "dot", "transpose", "dynamic-update-slice", "tuple", "exp"]
)
def test_other_operations_are_no_expression(c: Computation, opcode: str) -> None:
    assert read(c, c.add(opcode, (CHANNELS,), c.parameter(CHANNELS))) is None


@pytest.mark.parametrize("dtype", ["f64", "f16", "s32", "pred"])
def test_other_element_types_are_no_expression(c: Computation, dtype: str) -> None:
    x = c.parameter(CHANNELS, dtype=dtype)
    assert read(c, c.add("tanh", (CHANNELS,), x, dtype=dtype)) is None
    assert read(c, c.add("tanh", (CHANNELS,), x)) is None


def test_another_memory_order_is_no_expression(c: Computation) -> None:
    x = c.parameter(*DIMS, order=(0, 1))
    assert read(c, c.add("tanh", DIMS, x, order=(0, 1))) is None
    assert read(c, c.add("copy", DIMS, x)) is None
    assert read(c, c.add("bitcast", DIMS, x)) is None


def test_an_operand_of_another_size_is_no_expression(c: Computation) -> None:
    whole = c.parameter(2 * ROWS, CHANNELS)
    assert read(c, c.add("slice", DIMS, whole)) is None
    assert read(c, c.add("tanh", DIMS, whole)) is None


def test_barriers_change_nothing(c: Computation) -> None:
    x = c.parameter(ROWS, CHANNELS)
    hidden = c.add(
        "reduce-precision", (ROWS, CHANNELS), c.add("tanh", (ROWS, CHANNELS), x)
    )
    assert read(c, rounded_bits(c, hidden)) == Apply("tanh", (Element(0),))
    assert read(c, rounded(c, hidden, np.nan)) == Apply("tanh", (Element(0),))


def test_other_selections_are_no_barriers(c: Computation) -> None:
    x = c.parameter(ROWS, CHANNELS)
    y = c.parameter(ROWS, CHANNELS)
    assert read(c, rounded(c, x, 0.0)) is None
    assert read(c, rounded(c, x, np.nan, direction="EQ")) is None
    assert read(c, rounded(c, x, np.nan, other=y)) is None
    assert read(c, rounded_bits(c, x, usual=0)) is None
    assert read(c, rounded_bits(c, x, odd=0x3F800000)) is None
    assert read(c, rounded_bits(c, x, direction="NE")) is None
    assert read(c, rounded_bits(c, x, other=y)) is None
    dims = (ROWS, CHANNELS)
    assert read(c, c.add("bitcast-convert", dims, c.add("add", dims, x, x))) is None


def rounded(
    c: Computation, x: Any, nan: float, *, direction: str = "NE", other: Any = None
) -> Any:
    dims = list(x.shape.dimensions)
    test = c.add(
        "compare",
        dims,
        x,
        x if other is None else other,
        dtype="pred",
        comparison_direction=direction,
    )
    return c.add("select", dims, test, c.broadcast(c.constant(nan), dims), x)


def rounded_bits(
    c: Computation,
    x: Any,
    *,
    odd: int = 0x7FC00001,
    usual: int = 0x7FC00000,
    direction: str = "EQ",
    other: Any = None,
) -> Any:
    dims = list(x.shape.dimensions)
    own = c.add("bitcast-convert", dims, x, dtype="s32")
    looked_at = own
    if other is not None:
        looked_at = c.add("bitcast-convert", dims, other, dtype="s32")
    test = c.add(
        "compare",
        dims,
        looked_at,
        c.broadcast(c.bits(odd), dims),
        dtype="pred",
        comparison_direction=direction,
    )
    nan = c.broadcast(c.bits(usual), dims)
    chosen = c.add("select", dims, test, nan, own, dtype="s32")
    return c.add("bitcast-convert", dims, chosen)
