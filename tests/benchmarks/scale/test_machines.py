# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Many servers behind a balancer."""

from __future__ import annotations

import pytest

pytest.importorskip("simpy", reason="needs simpy: pip install simpy")

from benchmarks.scale.arrivals import poisson
from benchmarks.scale.batching import Rules, simulate
from benchmarks.scale.latencies import Latencies
from benchmarks.scale.machines import BALANCES, simulate_machines
from benchmarks.scale.service import Affine

ALONE = Rules(max_batch_size=1, batch_timeout_micros=0)


@pytest.mark.parametrize("balance", BALANCES)
def test_one_machine_is_one_server_whatever_chooses_it(balance):
    arrivals = poisson(700, 1500, 1, 0)
    rules = Rules(8, 500)
    found, refused = simulate_machines(1, balance, rules, Affine(500, 90), arrivals)
    assert refused == 0
    assert found == Latencies.of(simulate(rules, Affine(500, 90), arrivals))


@pytest.mark.parametrize("balance", BALANCES)
def test_each_request_is_answered_or_refused_once(balance):
    rules = Rules(4, 0, 1, max_enqueued_batches=1)
    arrivals = poisson(20_000, 2000, 2, 0)
    found, refused = simulate_machines(5, balance, rules, Affine(1000, 10), arrivals)
    answered = 2000 - refused
    assert refused > 0
    assert found.requests == answered - int(0.1 * answered)


def test_who_looks_at_how_busy_servers_are_waits_less():
    arrivals = poisson(8500, 8000, 1, 0)
    p99 = {
        balance: simulate_machines(10, balance, ALONE, Affine(1000, 0), arrivals)[0].p99
        for balance in BALANCES
    }
    assert p99["least"] <= p99["two"] < p99["random"] / 2
    assert p99["round robin"] < p99["random"]


def test_by_chance_more_machines_do_not_shorten_the_queue():
    def p99(machines: int, balance: str) -> int:
        arrivals = poisson(850 * machines, 12_000, 1, 0)
        service = Affine(1000, 0)
        return simulate_machines(machines, balance, ALONE, service, arrivals)[0].p99

    assert p99(8, "random") > 0.7 * p99(1, "random")
    assert p99(8, "least") < p99(1, "least") / 2
