# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever is passed as an input becomes an array, or an error of tfnative's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tfnative
from tfnative._base.arrays import as_input

FLOAT = np.dtype(np.float32)


class Raises:
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("there is no content")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1e300], "which cannot hold 1e"),
        ([10**400], "got object"),
        (np.ma.masked_array([1.0]), "a masked array"),
        (Raises(), "there is no content"),
        ([1, [2]], "got list"),
        ("abc", "got <U3"),
    ],
)
def test_what_is_no_input_is_refused(value: Any, message: str) -> None:
    with pytest.raises(tfnative.InvalidArgumentError, match=message):
        as_input(value, FLOAT, "input 'x'")


def test_a_view_that_is_larger_than_memory_is_not_copied() -> None:
    view = np.broadcast_to(np.float32(1), (2**40, 3))
    with pytest.raises(tfnative.ResourceExhaustedError, match="13194139533312 bytes"):
        as_input(view, FLOAT, "input 'x'")


def test_what_is_infinite_stays_so() -> None:
    assert as_input([float("inf"), float("nan")], FLOAT, "")[0] == np.inf


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(),
    st.text(), st.binary(), st.dates(),
)  # fmt: skip
ANYTHING = st.recursive(
    LEAVES, lambda x: st.lists(x) | st.dictionaries(st.text(), x) | st.tuples(x)
)


@given(ANYTHING, st.sampled_from(["f4", "f2", "i1", "u8", "?", "c8", "O"]))
def test_anything_gives_an_array_or_an_error_of_ours(value: Any, dtype: str) -> None:
    try:
        found = as_input(value, np.dtype(dtype), "input 'x'")
    except tfnative.Error:
        return
    assert isinstance(found, np.ndarray)
