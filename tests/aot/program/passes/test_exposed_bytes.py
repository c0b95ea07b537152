# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A set of bytes holds those that a plain set of their numbers holds."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, strategies as st

from tfnative_aot.program.memory import Slice
from tfnative_aot.program.passes.exposed_bytes import ByteSet

SLICES = st.builds(Slice, st.integers(0, 1), st.integers(0, 12), st.integers(1, 6))


def bytes_of(slices: Iterable[Slice]) -> list[tuple[int, int]]:
    return [
        (s.allocation, at) for s in slices for at in range(s.offset, s.offset + s.size)
    ]


@given(st.lists(SLICES, max_size=6), SLICES)
def test_a_slice_is_parted_into_what_is_in_the_set_and_what_is_not(
    added: list[Slice], place: Slice
) -> None:
    found = ByteSet()
    for each in added:
        found.add(each)
    expected = set(bytes_of(added))
    inside, outside = found.inside(place), found.outside(place)
    assert all(part.size > 0 for part in [*inside, *outside])
    assert bytes_of(inside) == [b for b in bytes_of([place]) if b in expected]
    assert bytes_of(outside) == [b for b in bytes_of([place]) if b not in expected]


@given(st.lists(SLICES, max_size=4), SLICES)
def test_a_copy_does_not_change_with_the_set(added: list[Slice], later: Slice) -> None:
    found = ByteSet()
    for each in added:
        found.add(each)
    copy, before = found.copy(), found.inside(later)
    found.add(later)
    assert copy.inside(later) == before
    assert found.inside(later) == [later]
