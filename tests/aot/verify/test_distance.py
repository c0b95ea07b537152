# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What passes, and what does not, by its distance from an answer in float64."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tfnative_aot.verify.distance import distances, why_not, worst_slice

Array = npt.NDArray[np.float64]
SHAPE = (2, 12, 10, 32)


def answers(error: float) -> tuple[npt.NDArray[np.float32], Array]:
    """TensorFlow's answer, off by about ``error``, and the true one."""
    rng = np.random.default_rng(1)
    exact = rng.standard_normal(SHAPE)
    return (exact + error * rng.standard_normal(SHAPE)).astype(np.float32), exact


def complaint(got: Array, expected: npt.NDArray[np.float32], exact: Array) -> str:
    return distances(got.astype(np.float32), expected, exact, rows=True).complaint


@pytest.mark.parametrize("error", [0, 1e-7, 1e-5, 2e-4])
def test_an_answer_as_far_as_tensorflows_passes(error: float) -> None:
    expected, exact = answers(error)
    other = exact + error * np.random.default_rng(2).standard_normal(SHAPE)
    assert why_not(expected, exact) == ""
    assert complaint(other, expected, exact) == ""


def test_both_distances_are_in_parts_of_the_largest_value() -> None:
    expected, exact = answers(1e-4)
    found = distances((exact + 1e-4).astype(np.float32), expected, exact, rows=True)
    largest = np.abs(exact).max()
    assert found.own == pytest.approx(1e-4 / largest, rel=1e-2)
    theirs = np.abs(expected - exact).max() / largest
    assert found.tensorflow == pytest.approx(theirs)
    assert found.tolerance == pytest.approx(3 * theirs, rel=1e-2)


def test_one_element_that_is_off_is_found() -> None:
    expected, exact = answers(1e-7)
    got = exact.copy()
    got[1, 3, 4, 5] += 1e-4
    assert "TensorFlow's" in complaint(got, expected, exact)


def test_errors_everywhere_do_not_hide_behind_one_of_tensorflows() -> None:
    expected, exact = answers(1e-7)
    expected[0, 0, 0, 0] += 2e-3
    assert why_not(expected, exact) == ""
    got = exact + 1e-4 * np.random.default_rng(2).standard_normal(SHAPE)
    assert "one element in ten" in complaint(got, expected, exact)


def test_errors_in_one_line_do_not_hide_behind_those_of_a_larger_one() -> None:
    expected, exact = answers(0)
    exact[:, 6] *= 1e6
    rng = np.random.default_rng(2)
    expected = exact * (1 + 1e-7 * rng.standard_normal(SHAPE))
    got = exact * (1 + 1e-7 * rng.standard_normal(SHAPE))
    short = expected.astype(np.float32)
    assert complaint(got, short, exact) == ""
    got[0, 7] += 1e-2
    assert "it is off by" in complaint(got, short, exact)
    got = exact.copy()
    got[0, 7, 3] += 1e-2
    assert "a vector of the last dimension" in complaint(got, short, exact)


def test_errors_in_one_line_of_few_channels_are_found_in_its_slice() -> None:
    exact = np.random.default_rng(1).standard_normal((1, 40, 30, 2))
    exact[:, 6] *= 1e6
    got = exact.copy()
    got[0, 7] += 1e-2
    expected = exact.astype(np.float32)
    assert "a slice of dimension 1" in complaint(got, expected, exact)


def test_what_is_no_number_where_tensorflow_has_one_is_found() -> None:
    expected, exact = answers(1e-7)
    got = exact.copy()
    got[1, 2, 3, 4] = np.nan
    assert complaint(got, expected, exact)
    assert worst_slice(got, expected, exact, rows=True, usual=1e-7)


def test_rows_that_tensorflow_cannot_compute_say_nothing() -> None:
    expected, exact = answers(1e-7)
    expected[0, 0, 0, 0] = np.inf
    got = exact.copy()
    got[0] = np.nan
    assert worst_slice(got, expected, exact, rows=True, usual=1e-7) == ""
    got[1] = np.nan
    assert worst_slice(got, expected, exact, rows=True, usual=1e-7)


def test_an_answer_in_float64_that_is_another_one_says_nothing() -> None:
    expected, exact = answers(1e-7)
    exact[0, 0, 0, 0] += 1
    assert "TensorFlow's own answer" in why_not(expected, exact)
    assert "shape" in why_not(expected, exact[:1])
    assert "float64" in why_not(exact, exact)
    expected[0, 0, 0, 1] = np.nan
    assert "finite" in why_not(expected, exact)


def test_outputs_without_elements_and_of_zeros_pass() -> None:
    for shape in ((0, 3), (3,), ()):
        zeros = np.zeros(shape)
        assert complaint(zeros, zeros.astype(np.float32), zeros) == ""
