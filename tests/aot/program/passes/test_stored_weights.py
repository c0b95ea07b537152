# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Smaller types hold weights exactly, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.aot.program.passes.test_passes import check_same, outputs_of
from tests.aot.program.random_programs import programs
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.program.passes import run_passes
from tfnative_aot.program.passes.packing import PANEL, pack_filter, pack_matrix
from tfnative_aot.program.passes.stored_weights import Weights, find_node, stored
from tfnative_aot.program.program import Program
from tfnative_aot.quantize.rounding import StoredType, rounded

TYPES: tuple[StoredType, ...] = ("f16", "bf16", "s8")


def widened(form, packed: np.ndarray) -> np.ndarray:
    """What a kernel makes of them."""
    if form.dtype in ("f16", "bf16"):
        kind = numpy_dtype("float16" if form.dtype == "f16" else "bfloat16")
        return form.array.view(kind).astype(np.float32)
    return form.array.astype(np.float32)


@pytest.mark.parametrize("dtype", TYPES)
@given(k=st.integers(1, 40), n=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_matrix_is_what_it_was(dtype, k, n, seed):
    matrix = np.random.default_rng(seed).standard_normal((k, n)).astype(np.float32)
    matrix = rounded(matrix, dtype, (0,))
    form = stored(pack_matrix(matrix), dtype, n)
    assert form.dtype == dtype
    found = widened(form, matrix).transpose(1, 0, 2).reshape(k, -1)[:, :n]
    if dtype == "s8":
        assert form.scale is not None
        assert form.scale.shape == (n + PANEL,)
        found = found * form.scale[:n]
    np.testing.assert_array_equal(found, matrix)


def test_the_scales_of_groups_follow_each_other():
    weights = np.random.default_rng(0).standard_normal((1, 3, 3, 4, 10))
    weights = rounded(weights.astype(np.float32), "s8", (0, 1, 2, 3))
    form = stored(pack_filter(weights, groups=2), "s8", 5)
    assert form.scale is not None
    largest = np.abs(weights).max(axis=(0, 1, 2, 3))
    np.testing.assert_array_equal(form.scale[:10], largest / np.float32(127))


@pytest.mark.parametrize("dtype", TYPES)
def test_what_a_type_does_not_hold_stays(dtype):
    matrix = np.random.default_rng(0).standard_normal((9, 9)).astype(np.float32)
    form = stored(pack_matrix(matrix), dtype, 9)
    assert form.dtype == "f32"
    assert form.scale is None
    huge = np.full((4, 4), np.float32(1e38))
    huge[0, 0] = np.inf
    assert stored(pack_matrix(huge), dtype, 4).dtype == "f32"


@pytest.mark.parametrize("dtype", TYPES)
@settings(max_examples=100, deadline=None)
@given(program=programs())
def test_programs_with_smaller_weights_compute_the_same(dtype, program: Program):
    constants = {
        index: replace(
            constant,
            data=_rounded(np.frombuffer(constant.data, np.float32), dtype).tobytes(),
        )
        for index, constant in program.constants.items()
    }
    given_program = replace(program, constants=constants)
    check_same(
        outputs_of(given_program), run_passes(given_program, weights=Weights(dtype))
    )


def _rounded(numbers: np.ndarray, dtype: StoredType) -> np.ndarray:
    """To eighths, which all types hold."""
    return (np.rint(np.clip(numbers, -8, 8) * 8) / 8).astype(np.float32)


def test_a_node_is_not_taken_for_one_whose_name_it_ends_with():
    nodes = {"MatMul", "while/MatMul"}
    assert find_node("model/while/MatMul", nodes) == "while/MatMul"
    assert find_node("model/MatMul", nodes) == "MatMul"
    assert find_node("model/aMatMul", nodes) == ""
