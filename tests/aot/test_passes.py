# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Programs compute the same after the passes, in no more memory."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from tests.aot.interpreter import interpret
from tests.aot.program_builder import FUNCTIONS, IN_PLACE, inputs_of
from tests.aot.random_programs import programs
from tfnative_aot.passes import run_passes
from tfnative_aot.passes.pack_weights import pack_weights
from tfnative_aot.program import Program


def outputs_of(program: Program) -> list[np.ndarray]:
    return interpret(program, inputs_of(program), FUNCTIONS, IN_PLACE)


def check_same(expected: list[np.ndarray], program: Program) -> None:
    for want, got in zip(expected, outputs_of(program), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@settings(max_examples=300, deadline=None)
@given(programs())
def test_random_programs_are_valid(program: Program) -> None:
    for output in outputs_of(program):
        assert not np.isnan(output).any()


@settings(max_examples=300, deadline=None)
@given(programs())
def test_packing_weights_keeps_results(program: Program) -> None:
    check_same(outputs_of(program), pack_weights(program))


@settings(max_examples=600, deadline=None)
@given(programs())
def test_all_passes_keep_results(program: Program) -> None:
    check_same(outputs_of(program), run_passes(program))
