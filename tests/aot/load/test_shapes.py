# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Shapes: what a signature makes of those that are given."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tfnative.errors import InvalidArgumentError
from tfnative_aot.load.shapes import resolve_shapes
from tfnative_aot.load.source import BATCH, Signature, TensorSpec

SIZES = st.integers(1, 10**6)
SHAPES = st.tuples(st.lists(SIZES, max_size=5), st.booleans()).map(
    lambda drawn: (*([BATCH] if drawn[1] else []), *drawn[0])
)


def signature(*shape: int | None) -> Signature:
    spec = TensorSpec("x", "serving_default_x:0", "float32", shape)
    return Signature("serving_default", (spec,), ())


@given(known=st.lists(SIZES, max_size=4))
def test_an_open_first_size_is_the_batch(known: list[int]) -> None:
    assert resolve_shapes(signature(None, *known), None) == {"x": (BATCH, *known)}


@given(shape=SHAPES)
def test_a_shape_of_unknown_rank_is_what_the_user_says(shape: tuple[int, ...]) -> None:
    spec = TensorSpec("x", "x:0", "float32", None)
    found = resolve_shapes(Signature("s", (spec,), ()), {"x": shape})
    assert found == {"x": shape}


@pytest.mark.parametrize("shape", [(4, 8), (BATCH, 8), (3, 8)])
def test_the_user_may_fix_or_free_the_batch(shape: tuple[int, ...]) -> None:
    leading = 4 if shape[0] == BATCH else None
    assert resolve_shapes(signature(leading, 8), {"x": shape}) == {"x": shape}


def test_open_sizes_are_refused_with_the_flag_to_pass() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        resolve_shapes(signature(None, None, 3), None)
    assert "--shape x=?,128,3" in str(caught.value)
    assert "place 2" in str(caught.value)


def test_an_unknown_rank_is_refused_with_the_flag_to_pass() -> None:
    spec = TensorSpec("x", "x:0", "float32", None)
    with pytest.raises(InvalidArgumentError, match=r"no known rank.*--shape x="):
        resolve_shapes(Signature("s", (spec,), ()), {})


@pytest.mark.parametrize("shape", [(BATCH, 9), (BATCH, 8, 1), (BATCH, BATCH), (0, 8)])
def test_a_shape_that_contradicts_the_model_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match="'x'"):
        resolve_shapes(signature(None, 8), {"x": shape})


def test_a_shape_for_no_input_is_refused_with_the_inputs() -> None:
    with pytest.raises(InvalidArgumentError, match=r"'y'.*inputs 'x'"):
        resolve_shapes(signature(None, 8), {"y": (1, 8)})
