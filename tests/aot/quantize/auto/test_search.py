# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""In which order layers go back, and when that ends."""

from __future__ import annotations

from hypothesis import given, strategies as st

from tfnative_aot.progress import Silent
from tfnative_aot.quantize.auto.judge import Loss
from tfnative_aot.quantize.auto.search import in_order, search

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

    def attempt(kept: frozenset[str]) -> Loss:
        return Loss(sum(found[name][0] for name in found if name not in kept), None)

    steps = search(order, attempt, lambda loss: loss.noise <= budget, Silent())
    assert [step.returned for step in steps] == ["", *order][: len(steps)]
    assert steps[-1].holds
    assert not any(step.holds for step in steps[:-1])
    if len(steps) > len(order):
        assert steps[-1].loss.noise == 0
