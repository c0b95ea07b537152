# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Programs compute the same after the passes, in no more memory."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings

from tests.aot.program.interpreter import interpret
from tests.aot.program.program_builder import FUNCTIONS, IN_PLACE, inputs_of
from tests.aot.program.random_programs import programs
from tfnative_aot.program.memory import Slice
from tfnative_aot.program.passes import run_passes
from tfnative_aot.program.passes.lives import ALIGNMENT
from tfnative_aot.program.passes.pack_weights import pack_weights
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Kernel
from tfnative_aot.program.traverse import walk

# Most are found by some dozens; `make test-fidelity` tries more.
EXAMPLES = 200 if "TFNATIVE_RANDOM_GRAPHS" in os.environ else 70


def outputs_of(program: Program) -> list[np.ndarray]:
    return interpret(program, inputs_of(program), FUNCTIONS, IN_PLACE)


def check_same(expected: list[np.ndarray], program: Program) -> None:
    for want, got in zip(expected, outputs_of(program), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@settings(max_examples=EXAMPLES, deadline=None)
@given(programs())
def test_random_programs_read_what_they_have_written(program: Program) -> None:
    for output in outputs_of(program):
        assert not np.isnan(output).any()


@settings(max_examples=EXAMPLES, deadline=None)
@given(programs())
def test_packed_weights_compute_the_same(program: Program) -> None:
    check_same(outputs_of(program), pack_weights(program))


@settings(max_examples=3 * EXAMPLES, deadline=None)
@given(programs())
def test_all_passes_together_compute_the_same(program: Program) -> None:
    check_same(outputs_of(program), run_passes(program))


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(programs(reuse_outputs=False))
def test_the_workspace_is_hardly_larger_than_xlas(program: Program) -> None:
    """A fused step needs its operands and its result at once; XLA's steps did not."""
    passed = run_passes(program)
    xla = sum(a.size for a in program.allocations if a.kind == "temp")
    assert passed.xla_temp_bytes == xla
    largest = max((a.size for a in passed.allocations if a.kind == "temp"), default=0)
    room = 2 * -(-largest // ALIGNMENT) * ALIGNMENT
    assert passed.temp_bytes <= 1.25 * -(-xla // ALIGNMENT) * ALIGNMENT + room


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(programs())
def test_compiled_kernels_find_operands_apart_where_they_were(
    program: Program,
) -> None:
    """XLA compiles what does not overlap as if it never could."""
    before = dict(overlaps(program))
    for hlo, pairs in overlaps(run_passes(program)):
        assert pairs <= before[hlo]


def overlaps(program: Program) -> Iterator[tuple[str, set[tuple[int, int]]]]:
    """For each kernel of XLA's, which arguments overlap which results."""
    for step in walk(program.steps):
        if isinstance(step, Kernel):
            arguments = [address(program, a.slice) for a in step.arguments]
            results = [address(program, r.slice) for r in step.results]
            yield (
                step.source.hlo,
                {
                    (i, j)
                    for i, a in enumerate(arguments)
                    for j, r in enumerate(results)
                    if a[0] == r[0] and a[1] < r[2] and r[1] < a[2]
                },
            )


def address(program: Program, place: Slice) -> tuple[int, int, int]:
    """Block of memory, first byte in it, and the byte after the last."""
    if place.allocation in program.temp_offsets:
        low = program.temp_offsets[place.allocation] + place.offset
        return -1, low, low + place.size
    return place.allocation, place.offset, place.offset + place.size
