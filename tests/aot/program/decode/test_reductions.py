# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pooling and reductions are found, and nothing else is taken for them."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.aot.program.decode.hlo_builder import Computation
from tests.aot.program.program_builder import row_major
from tfnative_aot.program.decode.reductions import ReductionReader
from tfnative_aot.program.expression import Apply, Element, Scalar
from tfnative_aot.program.memory import Buffer, Slice
from tfnative_aot.program.steps import Reduced, ReduceWindow, Source


class Reader:
    """A computation, and what is known of its parameters."""

    def __init__(self) -> None:
        self.c = Computation()
        self.arguments: list[Buffer] = []
        self.constants: dict[int, bytes] = {}

    def parameter(self, *dims: int, **fields: Any) -> Any:
        place = Slice(len(self.arguments), 0, math.prod(dims) * 4)
        self.arguments.append(Buffer(place, row_major(*dims)))
        return self.c.parameter(*dims, **fields)

    def known(self, value: float) -> Any:
        """A parameter whose argument is a constant number."""
        self.constants[len(self.arguments)] = np.float32(value).tobytes()
        return self.parameter()

    def reducer(self, operation: str = "add", numbers: tuple[int, int] = (0, 1)) -> int:
        both = [self.c.add("parameter", (), parameter_number=n) for n in numbers]
        return self.c.call(self.c.add(operation, (), *both))

    def reduce(
        self, x: Any, *dims: int, init: Any = None, called: int | None = None, **f: Any
    ) -> Any:
        sizes = [n for d, n in enumerate(x.shape.dimensions) if d not in dims]
        return self.c.add(
            "reduce",
            sizes,
            x,
            self.c.constant(0.0) if init is None else init,
            dimensions=list(dims),
            called_computation_ids=[self.reducer() if called is None else called],
            **f,
        )

    def pool(self, x: Any, dims: tuple[int, ...], *windows: Any) -> Any:
        return self.c.add(
            "reduce-window",
            dims,
            x,
            self.c.constant(-math.inf),
            window=SimpleNamespace(dimensions=windows),
            called_computation_ids=[self.reducer("maximum")],
        )

    def read(self, root: Any) -> ReduceWindow | Reduced | None:
        size = math.prod(root.shape.dimensions)
        out = Buffer(Slice(99, 0, size * 4), row_major(*root.shape.dimensions))
        reader = ReductionReader(
            self.c.instructions,
            self.c.computations,
            lambda buffer: self.constants.get(buffer.slice.allocation),
        )
        return reader.read(Source("fusion"), root, self.arguments, out)

    def step(self, root: Any) -> ReduceWindow:
        step = self.read(root)
        assert isinstance(step, ReduceWindow)
        return step


@pytest.fixture
def r() -> Reader:
    return Reader()


def window(size: int = 1, stride: int = 1, low: int = 0, **fields: int) -> Any:
    dilations = {"window_dilation": 1, "base_dilation": 1} | fields
    return SimpleNamespace(size=size, stride=stride, padding_low=low, **dilations)


@pytest.mark.parametrize(
    ("dims", "reduced", "batch", "length", "channels"),
    [
        ((2, 3, 4, 5), (1, 2), 2, 12, 5),
        ((2, 3, 4, 5), (3,), 24, 5, 1),
        ((2, 3, 4, 5), (0,), 1, 2, 60),
        ((2, 3, 4, 5), (0, 1, 2, 3), 1, 120, 1),
        ((7, 3), (1,), 7, 3, 1),
    ],
)
def test_neighbouring_dimensions_are_reduced_as_one(
    r: Reader,
    dims: tuple[int, ...],
    reduced: tuple[int, ...],
    batch: int,
    length: int,
    channels: int,
) -> None:
    step = r.step(r.reduce(r.parameter(*dims), *reduced))
    assert (step.batch, step.channels) == (batch, channels)
    assert step.in_size == step.kernel_size == (1, 1, length)
    assert step.out_size == (1, 1, 1)
    assert (step.operation, step.init, step.scale) == ("sum", 0.0, 1.0)
    assert step.lhs == r.arguments[0]


def test_dimensions_between_those_reduced_are_kept(r: Reader) -> None:
    step = r.step(r.reduce(r.parameter(2, 3, 4, 5), 1, 3))
    assert (step.batch, step.channels) == (2, 1)
    assert step.in_size == (3, 4, 5)
    assert step.kernel_size == (3, 1, 5)
    assert step.out_size == (1, 4, 1)


def test_windows_keep_their_strides_and_padding(r: Reader) -> None:
    root = r.pool(
        r.parameter(2, 9, 8, 5),
        (2, 5, 3, 5),
        window(),
        window(3, 2, 1),
        window(2, 3, 0, window_dilation=2),
        window(),
    )
    step = r.step(root)
    assert (step.operation, step.init) == ("max", -math.inf)
    assert (step.batch, step.channels) == (2, 5)
    assert (step.in_size, step.out_size) == ((1, 9, 8), (1, 5, 3))
    assert (step.kernel_size, step.stride) == ((1, 3, 2), (1, 2, 3))
    assert (step.padding_low, step.window_dilation) == ((0, 1, 0), (1, 1, 2))


@pytest.mark.parametrize("operation", ["minimum", "maximum"])
def test_the_initial_value_may_be_an_argument(r: Reader, operation: str) -> None:
    x, init = r.parameter(4, 8), r.known(3.5)
    step = r.step(r.reduce(x, 0, init=init, called=r.reducer(operation, (1, 0))))
    assert (step.operation, step.init) == (operation[:3], 3.5)


def test_a_mean_has_a_scale(r: Reader) -> None:
    total = r.reduce(r.parameter(2, 4, 8), 1)
    quarter = r.c.broadcast(r.c.constant(0.25), (2, 8))
    root = r.c.add("bitcast", (16,), r.c.add("multiply", (2, 8), quarter, total))
    assert r.step(root).scale == 0.25


def test_other_views_of_the_same_memory_change_nothing(r: Reader) -> None:
    x = r.c.add("copy", (3, 4), r.c.add("bitcast", (3, 4), r.parameter(12)))
    root = r.c.add("reshape", (1, 3), r.reduce(x, 1))
    assert r.step(root).in_size == (1, 1, 4)


def test_what_is_computed_before_is_an_expression(r: Reader) -> None:
    zero = r.c.broadcast(r.c.constant(0.0), (2, 4, 8))
    x = r.c.add("maximum", (2, 4, 8), r.parameter(2, 4, 8), zero)
    found = r.read(r.reduce(x, 1))
    assert isinstance(found, Reduced)
    assert found.expression == Apply("maximum", (Element(0), Scalar(0.0)))
    assert (found.reduction.batch, found.reduction.in_size) == (2, (1, 1, 4))
    assert found.reduction.lhs.shape == row_major(2, 4, 8)


def _another_operation(r: Reader) -> Any:
    return r.reduce(r.parameter(4, 8), 1, called=r.reducer("multiply"))


def _twice_the_same_operand(r: Reader) -> Any:
    return r.reduce(r.parameter(4, 8), 1, called=r.reducer("add", (1, 1)))


def _an_unknown_initial_value(r: Reader) -> Any:
    return r.reduce(r.parameter(4, 8), 1, init=r.parameter())


def _integers(r: Reader) -> Any:
    return r.reduce(r.parameter(4, 8, dtype="s32"), 1, dtype="s32")


def _columns_first(r: Reader) -> Any:
    return r.reduce(r.parameter(4, 8, order=(0, 1)), 1)


def _result_with_columns_first(r: Reader) -> Any:
    return r.c.add("copy", (2, 8), r.reduce(r.parameter(2, 4, 8), 1), order=(0, 1))


def _transposed_before(r: Reader) -> Any:
    """A copy to another order, which is then seen as another array."""
    copy = r.c.add("copy", (4, 8), r.parameter(4, 8), order=(0, 1))
    return r.reduce(r.c.add("bitcast", (8, 4), copy), 1)


def _transposed_after(r: Reader) -> Any:
    copy = r.c.add("copy", (2, 8), r.reduce(r.parameter(2, 4, 8), 1), order=(0, 1))
    return r.c.add("bitcast", (8, 2), copy)


def _dilated_input(r: Reader) -> Any:
    x = r.parameter(4, 8)
    return r.pool(x, (6, 8), window(2, base_dilation=2), window())


def _too_many_windows(r: Reader) -> Any:
    windows = (window(2, 2), window(2, 2), window(2, 2), window(2, 2))
    return r.pool(r.parameter(4, 4, 4, 4), (2, 2, 2, 2), *windows)


def _two_arrays(r: Reader) -> Any:
    x, y, zero = r.parameter(4, 8), r.parameter(4, 8), r.c.constant(0.0)
    return r.c.add("reduce", (4,), x, y, zero, zero, dimensions=[1])


def _no_reduction(r: Reader) -> Any:
    return r.c.add("tanh", (4, 8), r.parameter(4, 8))


@pytest.mark.parametrize(
    "root",
    [
        _another_operation,
        _twice_the_same_operand,
        _an_unknown_initial_value,
        _integers,
        _columns_first,
        _result_with_columns_first,
        _transposed_before,
        _transposed_after,
        _dilated_input,
        _too_many_windows,
        _two_arrays,
        _no_reduction,
    ],
)
def test_other_kernels_stay_xlas(r: Reader, root: Any) -> None:
    assert r.read(root(r)) is None
