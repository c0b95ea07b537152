# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where the time of steps goes, in traces of which that is known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from training.errors import TrainingError
from training.observe.steps import shares, split_steps
from training.observe.trace import STEP, Event, Thread, Trace

GET = "IteratorGetNextOp::DoCompute"
REDUCE = "StatefulPartitionedCall/all:CollectiveReduceV2"


def trace(*events: Event) -> Trace:
    return Trace("worker", 0.0, (Thread("python", events),))


def step(number: int, begin: float, seconds: float) -> Event:
    return Event(STEP, begin, seconds, number)


def test_a_step_is_split_into_waiting_talking_and_computing() -> None:
    first, second = split_steps(
        trace(
            step(7, 0.0, 10.0),
            Event(GET, 1.0, 2.0),
            Event(REDUCE, 2.0, 4.0),  # One second of it, input is waited for as well.
            Event("StatefulPartitionedCall/y:MatMul", 4.0, 5.0),
            step(8, 11.0, 4.0),
        )
    )
    assert (first.number, second.number) == (7, 8)
    assert (first.input, first.communication, first.compute) == (2.0, 3.0, 5.0)
    assert (first.between, second.between) == (1.0, 0.0)
    assert (second.input, second.communication, second.compute) == (0.0, 0.0, 4.0)


def test_what_waits_beyond_the_end_of_a_step_counts_for_each_of_them() -> None:
    first, second = split_steps(
        trace(step(0, 0.0, 2.0), step(1, 2.0, 2.0), Event(GET, 1.0, 2.0))
    )
    assert (first.input, second.input) == (1.0, 1.0)


_SPANS = st.lists(
    st.tuples(
        st.sampled_from([GET, REDUCE, "StatefulPartitionedCall/y:MatMul"]),
        st.floats(0, 30),
        st.floats(0, 10),
    ),
    max_size=8,
)


@given(_SPANS, st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 5)), min_size=1))
def test_nothing_is_lost_or_counted_twice(
    spans: Sequence[tuple[str, float, float]], lengths: Sequence[tuple[float, float]]
) -> None:
    steps, now = [], 0.0
    for number, (gap, seconds) in enumerate(lengths):
        now += gap
        steps.append(step(number, now, seconds))
        now += seconds
    found = split_steps(trace(*steps, *(Event(*span) for span in spans)))
    total = sum(each.seconds for each in found)
    assert total == pytest.approx(steps[-1].end - steps[0].begin)
    for each in found:
        parts = (each.input, each.communication, each.compute, each.between)
        assert min(parts) >= -1e-9
    mean = shares(found)
    whole = mean.input + mean.communication + mean.compute + mean.between
    assert whole == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([Event(GET, 0.0, 9.0)], "input-bound: 90%"),
        ([Event(GET, 0.0, 1.0)], "compute-bound, with some waiting: 10%"),
        ([], "compute-bound: 0%"),
        ([Event(REDUCE, 0.0, 8.0)], "communication-bound: 80%"),
    ],
)
def test_what_limits_the_speed_is_said(events: list[Event], verdict: str) -> None:
    found = shares(split_steps(trace(step(0, 0.0, 10.0), *events)))
    assert found.verdict.startswith(verdict)


def test_time_between_steps_is_pythons() -> None:
    found = split_steps(trace(*(step(n, n * 10.0, 6.0) for n in range(3))))
    assert shares(found).verdict.startswith("bound by Python: ")


def test_a_trace_without_steps_is_refused() -> None:
    with pytest.raises(TrainingError, match="trace of worker has no training step"):
        split_steps(trace(Event(GET, 0.0, 1.0)))
