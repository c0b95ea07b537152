# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which name scopes of a large graph become boxes."""

from __future__ import annotations

from hypothesis import given, strategies as st

from tfnative_aot.draw.scopes import folded_scopes, scopes_of

NAMES = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=4).map("/".join),
    max_size=60,
)


def boxes(names: list[str], folded: frozenset[str]) -> int:
    kept = [next((s for s in scopes_of(n) if s in folded), None) for n in names]
    return kept.count(None) + len({scope for scope in kept if scope is not None})


@given(NAMES, st.integers(1, 40))
def test_there_are_no_more_boxes_than_asked_for_if_that_can_be(
    names: list[str], most: int
):
    outermost = frozenset(next(scopes_of(name)) for name in names if "/" in name)
    least = boxes(names, outermost)
    assert boxes(names, folded_scopes(names, most)) <= max(most, least)


@given(NAMES, st.integers(1, 40))
def test_small_graphs_are_not_folded(names: list[str], most: int):
    assert len(names) > most or not folded_scopes(names, most)


@given(NAMES, st.integers(1, 40))
def test_no_folded_scope_is_in_another_and_none_could_be_unfolded(
    names: list[str], most: int
):
    folded = folded_scopes(names, most)
    for scope in folded:
        assert not set(scopes_of(scope)) & folded
        inside = {
            next(iter([s for s in scopes_of(n) if s.startswith(f"{scope}/")]), n)
            for n in names
            if n.startswith(f"{scope}/")
        }
        within = {
            s
            for s in inside
            if s not in names or any(n.startswith(f"{s}/") for n in names)
        }
        more = folded - {scope} | within
        assert boxes(names, frozenset(more)) > most or not inside
