# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the machine can do at most."""

from __future__ import annotations

import pytest

from benchmarks import limits
from benchmarks.limits import Limits, Reading
from benchmarks.work import Work

MADE_UP = Limits(
    gflops=100.0,
    readings=(Reading("l1", 1000, 50.0), Reading("memory", None, 10.0)),
)


@pytest.fixture(scope="module")
def measured() -> Limits:
    return limits.measure(rounds=1)


def test_they_are_positive_and_what_is_near_is_faster(measured: Limits):
    rates = [reading.gigabytes_per_second for reading in measured.readings]
    assert measured.gflops > 1
    assert min(rates) > 0.1
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[-1]


def test_caches_grow_and_memory_comes_last(measured: Limits):
    *caches, memory = measured.readings
    capacities = [cache.capacity_bytes or 0 for cache in caches]
    assert [cache.level for cache in caches] == ["l1", "l2", "l3"][: len(caches)]
    assert capacities == sorted(capacities)
    assert min(capacities) > 0
    assert (memory.level, memory.capacity_bytes) == ("memory", None)


@pytest.mark.parametrize(
    ("work", "micros"),
    [
        (Work(flops=1_000_000, bytes=10), 10.0),  # Of multiplications.
        (Work(flops=10, bytes=1000), 0.02),  # Of bytes in the cache.
        (Work(flops=10, bytes=2000), 0.2),  # Of bytes in memory.
    ],
)
def test_the_slower_of_computing_and_reading_counts(work: Work, micros: float):
    assert MADE_UP.micros(work) == pytest.approx(micros)
