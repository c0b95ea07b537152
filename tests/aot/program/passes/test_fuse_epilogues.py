# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which steps are folded into products and convolutions, by what they touch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.aot.program.passes.network import (
    BIAS,
    CHANNELS,
    INF,
    NO,
    OTHER,
    ROWS,
    SUM,
    YES,
    Network,
    add,
    plain,
    relu,
)
from tests.aot.program.program_builder import ProgramBuilder, reshaped
from tfnative_aot.program.expression import Apply, Channel, Element
from tfnative_aot.program.passes.assign_memory import assign_memory
from tfnative_aot.program.passes.fuse_epilogues import fuse_epilogues
from tfnative_aot.program.steps import Call, Convolution, Dot, Matrix


def test_two_chained_kernels_are_folded_in() -> None:
    network = Network()
    between = network.b.buffer("temp", ROWS, CHANNELS)
    network.b.kernel(add(SUM, Element(1)), [network.sums, network.residual], between)
    network.b.kernel(
        relu(add(SUM, Channel(1))), [between, network.bias], network.result
    )
    assert plain(network.epilogue()) == (YES, YES, 0, INF, "linear")


@pytest.mark.parametrize("groups", [1, 4])
def test_convolutions_take_readers(groups: int) -> None:
    b = ProgramBuilder()
    x, result = b.buffer("input", 5, 4), b.buffer("output", 5, 4)
    sums = b.buffer("temp", 5, 4)
    b.convolution(x, sums, taps=3, groups=groups)
    b.kernel(relu(add(SUM, Channel(1))), [sums, b.constant(4)], result)
    before = b.packed(result)
    (step,) = fuse_epilogues(before).steps
    assert isinstance(step, Convolution)
    assert step.kernel == ("packed" if groups == 1 else "depthwise")
    assert plain(step.epilogue) == (YES, NO, 0, INF, "linear")


def test_products_and_convolutions_without_packed_weights_are_left_alone() -> None:
    b = ProgramBuilder()
    x, result = b.buffer("input", 4, 4), b.buffer("output", 4, 4)
    sums = b.buffer("temp", 4, 4)
    b.convolution(x, sums, weights=b.buffer("input", 4, 4))
    b.kernel(relu(SUM), [sums], result)
    before = b.packed(result)
    assert fuse_epilogues(before).steps == before.steps


@pytest.mark.parametrize(
    ("changes", "is_folded"),
    [
        ({}, True),
        ({"packed": False}, False),
        ({"out_matrix": Matrix(0, 1, ROWS)}, False),
        ({"out_matrix": Matrix(0, CHANNELS + 1, 1)}, False),
        ({"out_matrix": Matrix(0, CHANNELS + 1, 1), "m": 1}, True),
        ({"out_matrix": Matrix(0, 1, ROWS), "packed": False}, False),
    ],
)
def test_a_product_takes_readers_if_its_kernel_does(
    changes: dict[str, Any], is_folded: bool
) -> None:
    network = Network()
    network.follow(relu(SUM))
    before = network.b.packed(network.result)
    product, reader = before.steps
    assert isinstance(product, Dot)
    before = replace(before, steps=(replace(product, **changes), reader))
    after = fuse_epilogues(before)
    assert (len(after.steps) == 1) == is_folded
    assert is_folded or after.steps == before.steps


def test_sums_that_another_step_reads_stay() -> None:
    network = Network()
    network.follow(relu(SUM))
    network.b.call("mix", [network.sums], network.b.buffer("temp", ROWS, CHANNELS))
    network.check_refused()


def test_sums_that_the_reader_also_takes_in_part_stay() -> None:
    network = Network()
    part = replace(network.sums, slice=replace(network.sums.slice, size=4 * CHANNELS))
    part = reshaped(part, CHANNELS)
    network.b.kernel(add(SUM, Channel(1)), [network.sums, part], network.result)
    network.check_refused()


def test_sums_that_are_an_output_stay() -> None:
    network = Network()
    network.follow(relu(SUM))
    before = network.b.packed(network.result, network.sums)
    assert fuse_epilogues(before).steps == before.steps


def test_sums_in_the_memory_of_an_output_stay() -> None:
    b = ProgramBuilder()
    x = b.buffer("input", ROWS, 8)
    sums, result = (b.buffer("output", ROWS, CHANNELS) for _ in range(2))
    b.dot(x, sums)
    b.kernel(relu(SUM), [sums], result)
    before = b.packed(sums, result)
    assert fuse_epilogues(before).steps == before.steps


def test_a_reader_that_works_in_place_in_an_output_is_folded_in() -> None:
    b = ProgramBuilder()
    x, result = b.buffer("input", ROWS, 8), b.buffer("output", ROWS, CHANNELS)
    b.dot(x, result)
    b.kernel(relu(SUM), [result], result)
    assert len(fuse_epilogues(b.packed(result)).steps) == 1


@pytest.mark.parametrize("late", [False, True])
def test_a_residual_must_be_there_before_the_sums(late: bool) -> None:
    network = Network()
    (dot,) = network.b.steps
    residual = network.b.buffer("temp", ROWS, CHANNELS)
    network.b.call("mix", [network.x], residual)
    if not late:
        network.b.steps.reverse()
    network.b.kernel(add(SUM, OTHER), [network.sums, residual], network.result)
    if late:
        network.check_refused()
    else:
        assert len(network.fuse().steps) == 2
    assert dot in network.b.steps


@pytest.mark.parametrize("late", [False, True])
def test_what_is_computed_again_is_added_if_it_is_there(late: bool) -> None:
    """The reader computes tanh of the residual, and so does another kernel."""
    network = Network()
    again = network.b.buffer("temp", ROWS, CHANNELS)
    tanh = Apply("tanh", (SUM,))
    network.follow(add(SUM, Apply("tanh", (OTHER,))))
    other = network.b.kernel(tanh, [network.residual], again)
    if not late:
        network.b.steps.insert(0, network.b.steps.pop())
    network.b.call("mix", [again], network.b.buffer("output", 4))
    if late:
        network.check_refused()
    else:
        first, fused, _ = network.fuse().steps
        assert first == other
        assert isinstance(fused, Dot)
        assert fused.epilogue.addend == again


def test_a_residual_that_a_nested_step_writes_is_too_late() -> None:
    network = Network()
    residual = network.b.buffer("temp", ROWS, CHANNELS)
    inner = network.b.call("mix", [network.x], residual)
    network.b.steps[-1] = Call(network.b.source("call"), (inner,))
    network.b.kernel(add(SUM, OTHER), [network.sums, residual], network.result)
    network.check_refused()


def test_a_result_that_is_used_between_is_left_alone() -> None:
    """Its memory holds another value until the reader runs."""
    network = Network()
    b = network.b
    b.steps.insert(0, b.call("mix", [network.x], network.result))
    b.steps.pop()
    b.call("mix", [network.result], b.buffer("temp", 1, 4))
    network.follow(relu(SUM))
    network.check_refused()


def test_a_reader_that_writes_over_the_input_is_left_alone() -> None:
    b = ProgramBuilder()
    x, sums = (b.buffer("temp", 4, 4) for _ in range(2))
    b.call("mix", [b.buffer("input", 1, 4)], x)
    b.dot(x, sums)
    b.kernel(add(SUM, Element(1)), [sums, x], x)
    before = b.packed(x)
    assert fuse_epilogues(before).steps == before.steps


def test_a_residual_that_is_multiplied_too_is_not_overwritten() -> None:
    b = ProgramBuilder()
    x, sums, result = (b.buffer("temp", 4, 4) for _ in range(3))
    b.call("mix", [b.buffer("input", 1, 4)], x)
    b.dot(x, sums)
    b.kernel(add(SUM, Element(1)), [sums, x], result)
    indices = x.slice.allocation, result.slice.allocation
    before = replace(b.packed(result), may_share=frozenset([indices]))
    after = fuse_epilogues(before)
    assert len(after.steps) == 2
    assert indices not in after.may_share


def test_a_residual_is_overwritten_where_nothing_else_reads_it() -> None:
    b = ProgramBuilder()
    x, residual = b.buffer("input", 4, 8), b.buffer("temp", 4, 4)
    sums, result = (b.buffer("temp", 4, 4) for _ in range(2))
    b.call("mix", [x], residual)
    b.dot(x, sums)
    b.kernel(add(SUM, Element(1)), [sums, residual], result)
    after = fuse_epilogues(b.packed(result))
    assert assign_memory(after).temp_bytes == 64


@pytest.mark.parametrize("dims", [(CHANNELS, ROWS), (ROWS * CHANNELS, 1), (6, 10)])
def test_another_dimension_than_the_channels_is_left_alone(
    dims: tuple[int, int],
) -> None:
    network = Network()
    network.result = reshaped(network.result, *dims)
    bias = network.b.constant(dims[-1])
    seen = [reshaped(network.sums, *dims), bias]
    network.b.kernel(add(SUM, Channel(1)), seen, network.result)
    network.check_refused()


def test_channels_may_be_seen_in_another_shape() -> None:
    network = Network()
    network.result = reshaped(network.result, 1, ROWS, 1, CHANNELS)
    network.follow(add(SUM, BIAS))
    assert network.epilogue().bias is not None


def test_a_bias_that_is_no_constant_is_left_alone() -> None:
    network = Network()
    network.bias = network.b.buffer("input", CHANNELS)
    network.follow(add(SUM, BIAS))
    network.check_refused()


def test_readers_in_the_same_loop_are_left_alone() -> None:
    """Only steps that are not nested are looked at."""
    network = Network()
    network.follow(relu(SUM))
    network.b.steps[:] = [Call(network.b.source("call"), tuple(network.b.steps))]
    before = network.b.packed(network.result)
    assert fuse_epilogues(before).steps == before.steps
