# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""In which order layers go back, and when that ends."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, strategies as st

from tfnative_aot.progress import Silent
from tfnative_aot.quantize.auto.judge import Loss
from tfnative_aot.quantize.auto.search import Move, in_order, moves_of, search

amounts = st.floats(1e-6, 1e6)
layers = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.tuples(amounts, amounts),
    max_size=6,
)


def ordered(found: dict[str, tuple[float, float]]) -> tuple[str, ...]:
    """Of noise and gained time by layer."""
    losses = {name: Loss(noise, None) for name, (noise, _) in found.items()}
    return in_order(losses, {name: time for name, (_, time) in found.items()})


@given(layers)
def test_the_least_time_for_an_error_goes_back_first(found):
    order = ordered(found)
    assert sorted(order) == sorted(found)
    ratios = [found[name][1] / found[name][0] for name in order]
    assert ratios == sorted(ratios)


def test_what_is_slower_in_8_bits_goes_back_before_all_others():
    found = {"fast": (9.0, 1.0), "slow": (0.1, -5.0), "even": (0.2, 0.0)}
    assert ordered(found) == ("even", "slow", "fast")


def test_what_loses_nothing_goes_back_last():
    found = {"exact": (0.0, 0.1), "fast": (1e-9, 1e6), "exacter": (0.0, 0.2)}
    assert ordered(found) == ("fast", "exact", "exacter")


@given(layers, st.floats(0, 1e7))
def test_it_ends_where_the_budget_holds_first_and_at_float32_at_last(found, budget):
    order = ordered(found)

    def attempt(types: Mapping[str, str]) -> Loss:
        return Loss(sum(found[name][0] for name in found if name not in types), None)

    def moves() -> list[Move]:
        return [Move(name, "float32") for name in order]

    steps = search(moves, attempt, lambda loss: loss.noise <= budget, Silent())
    assert [step.move.layer for step in steps] == ["", *order][: len(steps)]
    assert steps[-1].holds
    assert not any(step.holds for step in steps[:-1])
    if len(steps) > len(order):
        assert steps[-1].loss.noise == 0


def test_moves_are_not_asked_for_where_the_budget_holds_at_once():
    def moves() -> list[Move]:
        raise AssertionError

    (step,) = search(moves, lambda _: Loss(0.1, None), lambda _: True, Silent())
    assert (step.move.layer, step.holds) == ("", True)


def test_layers_go_back_to_float16_where_they_may_and_to_float32_at_last():
    losses = {
        name: Loss(noise, None) for name, noise in {"a": 4, "b": 2, "c": 1}.items()
    }
    gained = {"a": 8.0, "b": 8.0, "c": 8.0}
    # With float16 weights, c is nearly as fast as in 8 bits, and a faster than float32.
    halves = {"c": (7.5, 1e-6), "a": (1.0, 2e-6)}
    assert moves_of(losses, gained, halves) == (
        Move("c", "float16"),
        Move("a", "float16"),
        Move("b", "float32"),
        Move("a", "float32"),
        Move("c", "float32"),
    )
