# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What ``--shape`` takes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, strategies as st

from tfnative._compile.shapes import BATCH, parse_shapes
from tfnative.errors import InvalidArgumentError

SIZES = st.integers(1, 10**6)
SHAPES = st.tuples(st.lists(SIZES, max_size=5), st.booleans()).map(
    lambda drawn: (*([BATCH] if drawn[1] else []), *drawn[0])
)
NAMES = st.text(min_size=1, max_size=20)


def format_shape(shape: tuple[int, ...]) -> str:
    return ",".join("?" if size == BATCH else str(size) for size in shape)


@given(shapes=st.dictionaries(NAMES, SHAPES, max_size=4))
def test_what_is_formatted_is_parsed_back(shapes: dict[str, tuple[int, ...]]) -> None:
    arguments = [f"{name}={format_shape(shape)}" for name, shape in shapes.items()]
    assert parse_shapes(arguments) == shapes


@given(sizes=st.lists(SIZES, min_size=1, max_size=4), spaces=st.text(" ", max_size=3))
def test_spaces_and_both_spellings_of_the_batch_are_taken(
    sizes: list[int], spaces: str
) -> None:
    text = f",{spaces}".join(map(str, sizes))
    for batch in ("?", "-1"):
        assert parse_shapes([f"a={spaces}{batch},{text}"]) == {"a": (BATCH, *sizes)}


@given(argument=st.text(max_size=30))
def test_any_text_is_parsed_or_refused(argument: str) -> None:
    with contextlib.suppress(InvalidArgumentError):
        (shape,) = parse_shapes([argument]).values()
        assert all(size > 0 or size == BATCH for size in shape)
        assert BATCH not in shape[1:]


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ("x", "expected NAME=SIZES"),
        ("=1,2", "expected NAME=SIZES"),
        ("x=1,?", "place 2"),
        ("x=0,3", "'0' is not a size"),
        ("x=-2,3", "'-2' is not a size"),
        ("x=1,,3", "'' is not a size"),
        ("x=2.5", "'2.5' is not a size"),
        ("x=a", "'a' is not a size"),
    ],
)
def test_what_is_no_shape_is_refused_with_the_reason(argument: str, why: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        parse_shapes([argument])
    assert why in str(caught.value)


def test_a_name_that_comes_twice_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="comes twice"):
        parse_shapes(["x=1", "x=2"])


def test_a_name_may_have_an_equals_sign() -> None:
    assert parse_shapes(["a=b=3"]) == {"a=b": (3,)}
