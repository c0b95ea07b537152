# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Many servers behind a balancer, simulated."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import simpy

from benchmarks.scale.batching import BatchingServer, Rules, ServiceMicros, run
from benchmarks.scale.latencies import Latencies

BALANCES = ("random", "round robin", "two", "least")
"""By chance; in turn; the less busy of two by chance; the least busy of all."""


class Balancer:
    """Chooses a server for each request.

    Args:
        kind: One of ``BALANCES``.
        servers: To choose from.
        seed: Of chance.
    """

    def __init__(self, kind: str, servers: list[BatchingServer], seed: int) -> None:
        choices: dict[str, Callable[[], int]] = {
            "random": self._random,
            "round robin": self._next,
            "two": self._two,
            "least": self._least,
        }
        self._choose = choices[kind]
        self._servers = servers
        self._chance = random.Random(seed)
        self._last = -1

    def choose(self) -> BatchingServer:
        """The server for the request that comes now."""
        return self._servers[self._choose()]

    def _random(self) -> int:
        return self._chance.randrange(len(self._servers))

    def _next(self) -> int:
        self._last = (self._last + 1) % len(self._servers)
        return self._last

    def _two(self) -> int:
        one, other = self._random(), self._random()
        servers = self._servers
        return one if servers[one].outstanding <= servers[other].outstanding else other

    def _least(self) -> int:
        """Of those that are equally busy, by chance: else the first ones get most."""
        busy = np.fromiter(
            (server.outstanding for server in self._servers), int, len(self._servers)
        )
        least = np.flatnonzero(busy == busy.min())
        return int(least[self._chance.randrange(len(least))])


def simulate_machines(
    machines: int,
    balance: str,
    rules: Rules,
    service: ServiceMicros,
    arrivals: list[tuple[int, int]],
    seed: int = 0,
) -> tuple[Latencies, int]:
    """What becomes of requests to so many servers.

    Args:
        machines: How many.
        balance: One of ``BALANCES``.
        rules: Of each server.
        service: How long a batch takes on each.
        arrivals: When each request comes, ascending, and its rows.
        seed: Of the balancer.

    Returns:
        Of those that were answered; and how many were refused.
    """
    environment = simpy.Environment()
    servers = [BatchingServer(environment, rules, service) for _ in range(machines)]
    balancer = Balancer(balance, servers, seed)
    taken = run(environment, arrivals, balancer.choose)
    return Latencies.of(taken), sum(server.refused for server in servers)
