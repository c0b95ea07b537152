# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How errors are measured where some values are huge, and others no numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tfnative_aot.optimize.compare import distance

PLACE = ("serving_default", "y")


def error(got: np.ndarray, expected: np.ndarray) -> float | None:
    return distance({PLACE: [got]}, {PLACE: [expected]}).error


@pytest.mark.parametrize("huge", [-1e9, 1e30, 3e6])
def test_a_mask_does_not_hide_the_errors_of_other_values(huge: float):
    expected = np.linspace(0, 2, 40).reshape(8, 5)
    expected[:, 1] = huge
    got = expected.copy()
    got[:, 0] += 0.2
    assert error(got, expected) == pytest.approx(0.1)
    got = expected.copy()
    got[:, 1] *= 1.5
    assert error(got, expected) == pytest.approx(0.5)


def test_small_values_are_judged_by_the_largest():
    expected = np.array([[1.0, 1e-9], [0.5, 3e-12]])
    assert error(expected + 1e-6, expected) == pytest.approx(1e-6)
    large = expected * 1e5
    assert error(large + 1e-3, large) == pytest.approx(1e-8)


def test_what_is_not_finite_is_not_counted():
    nothing = np.full((2, 3), np.nan)
    found = distance({PLACE: [nothing]}, {PLACE: [nothing]})
    assert (found.error, found.compared) == (None, 0)
    some = np.array([[np.inf, 1.0, np.nan]])
    assert distance({PLACE: [some]}, {PLACE: [some]}).compared == 1
    assert distance({PLACE: [some]}, {PLACE: [some]}, {PLACE}).compared is None
