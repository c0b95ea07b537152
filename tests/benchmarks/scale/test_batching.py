# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The simulated batcher forms the batches that the real one forms."""

from __future__ import annotations

import random

import numpy as np
import pytest

pytest.importorskip("simpy", reason="needs simpy: pip install simpy")

import tfnative
from benchmarks.scale.arrivals import poisson
from benchmarks.scale.batching import Rules, simulate
from benchmarks.scale.latencies import Latencies, quantile
from benchmarks.scale.reality import Paced, requests_of
from benchmarks.scale.service import Affine, Measured


def batches(requests) -> list[tuple[int, int]]:
    """Begin and rows of each batch."""
    return sorted({(each.started, each.batch_rows) for each in requests})


def test_a_request_alone_waits_for_the_timeout_and_a_full_batch_does_not():
    rules = Rules(max_batch_size=4, batch_timeout_micros=100)
    found = simulate(rules, Affine(10, 1), [(0, 1), (1000, 2), (1010, 2), (5000, 4)])
    assert batches(found) == [(100, 1), (1010, 4), (5000, 4)]
    assert [each.done for each in found] == [111, 1024, 1024, 5014]


def test_a_batch_takes_more_rows_until_a_thread_is_free():
    rules = Rules(max_batch_size=4, batch_timeout_micros=0)
    arrivals = [(0, 1), (10, 1), (20, 1), (30, 1), (40, 1), (50, 1)]
    found = simulate(rules, Affine(100, 0), arrivals)
    assert batches(found) == [(0, 1), (100, 4), (200, 1)]


def test_threads_run_batches_side_by_side():
    rules = Rules(max_batch_size=1, batch_timeout_micros=0, num_batch_threads=2)
    found = simulate(rules, Affine(100, 0), [(0, 1), (0, 1), (0, 1)])
    assert [each.done for each in found] == [100, 100, 200]


def test_a_request_is_refused_where_there_is_no_room():
    rules = Rules(1, 0, 1, max_enqueued_batches=2)
    found = simulate(rules, Affine(100, 0), [(0, 1), (1, 1), (2, 1), (3, 1)])
    assert [each.arrived for each in found] == [0, 1, 2]


def test_a_request_with_more_rows_than_a_batch_may_have():
    with pytest.raises(ValueError, match="5 rows, but max_batch_size is 4"):
        simulate(Rules(max_batch_size=4), Affine(1, 1), [(0, 5)])


@pytest.mark.parametrize("seed", range(4))
def test_batches_are_those_of_the_real_batcher_at_the_same_moments(seed):
    """With a clock that stands still, and a model whose batches take no time there.

    The real one's queue is asked at the same microseconds, one after the other.
    """
    chance = random.Random(seed)
    rules = Rules(chance.choice((3, 8)), chance.choice((0, 40, 200)))
    now, arrivals = 0, []
    for _ in range(60):
        now += chance.choice((1, 10, 60, 300))
        arrivals.append((now, chance.randint(1, 3)))
    clock = tfnative.FakeClock()
    real = _drive_by_hand(rules, arrivals, clock)
    simulated = simulate(rules, lambda rows: 1, arrivals)
    assert [r.batch_rows for r in real] == [r.batch_rows for r in simulated]
    waited = [r.started - r.arrived for r in simulated]
    assert [r.started - r.arrived for r in real] == pytest.approx(waited, abs=1)


def _drive_by_hand(rules, arrivals, clock):
    with tfnative.Batcher(
        Paced(0, 0),
        max_batch_size=rules.max_batch_size,
        batch_timeout_micros=rules.batch_timeout_micros,
        num_batch_threads=1,
        clock=clock,
    ) as batcher:
        batcher.start_trace()
        now, futures = 0, []
        for arrived, rows in [*arrivals, (arrivals[-1][0] + 10_000, 0)]:
            while now < arrived:  # Batches that become due meanwhile are run then.
                due = _due(batcher, futures, rules, now)
                step = min(arrived, due) - now
                clock.advance(max(step, 1))
                now += max(step, 1)
                _settle(batcher, futures, rules, now)
            if rows:
                x = np.zeros((rows, 1), np.float32)
                futures.append([now, rows, batcher.submit({"x": x})])
                _settle(batcher, futures, rules, now)
        return requests_of(batcher.stop_trace())


def _waiting(futures):
    return [each for each in futures if not each[2].done()]


def _due(batcher, futures, rules, now):
    waiting = _waiting(futures)
    if not waiting:
        return 1 << 62
    return max(now + 1, waiting[0][0] + rules.batch_timeout_micros)


def _settle(batcher, futures, rules, now):
    """Waits until what is due has been answered."""
    while waiting := _waiting(futures):
        rows = sum(each[1] for each in waiting)
        is_over = waiting[0][0] + rules.batch_timeout_micros <= now
        if not is_over and rows < rules.max_batch_size:
            return
        first = waiting[0][2]
        first.result(timeout=10)


def test_what_was_measured_is_drawn_and_sizes_between_lie_on_a_line():
    service = Measured({2: [100, 120, 110], 4: [200, 200, 200], 8: [400, 400, 400]})
    assert {service(2) for _ in range(50)} == {100, 110, 120}
    assert service.median(3) == 155
    assert service(3) == 155
    assert service(6) == 300
    assert service.median(16) == 800
    assert service.median(1) == 110


def test_requests_come_as_often_as_was_asked_for():
    found = poisson(1000, 20_000, 3, 0)
    assert found == poisson(1000, 20_000, 3, 0)
    assert found[-1][0] / 1e6 == pytest.approx(20, rel=0.05)
    assert found == sorted(found)


def test_quantiles_are_values_that_there_were():
    assert quantile([1, 2, 3, 4], 0.5) == 2
    assert quantile(list(range(1, 101)), 0.99) == 99
    assert quantile([7], 0.99) == 7
    with pytest.raises(ValueError, match="no request"):
        Latencies.of([])


@pytest.mark.parametrize("load", [0.3, 0.6, 0.9])
def test_a_queue_without_batches_waits_as_queueing_theory_says(load):
    """One row a batch, of a fixed time, is M/D/1: Pollaczek and Khinchine's formula."""
    micros = 1000
    arrivals = poisson(load / micros * 1e6, 20_000, 1, 1)
    found = simulate(Rules(1, 0, 1, 100_000), Affine(micros, 0), arrivals)
    waited = sum(each.started - each.arrived for each in found) / len(found)
    assert waited == pytest.approx(load * micros / (2 * (1 - load)), rel=0.15)
