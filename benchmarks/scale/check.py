# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The simulation beside a real batcher on this machine, at several loads."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.scale.arrivals import poisson
from benchmarks.scale.batching import Rules, simulate
from benchmarks.scale.latencies import Latencies
from benchmarks.scale.reality import drive, measure_service
from benchmarks.scale.service import Measured, rows_per_second

QUANTILES = ("p50", "p99", "queued_p50", "queued_p99")


@dataclass(frozen=True)
class Settings:
    """What is asked of both.

    Attributes:
        rules: How batches are formed.
        rows: Of a request.
        loads: Parts of what the batch threads compute at most, in full batches.
        rounds: How often each load is measured, with other moments each time.
        seconds: How long each time.
        repeats: Batches of each size whose time is measured before.
    """

    rules: Rules
    rows: int
    loads: tuple[float, ...]
    rounds: int
    seconds: float
    repeats: int


def check(model: Any, settings: Settings) -> dict[str, Any]:
    """Measures and simulates.

    ``measured`` is what a real batcher did. ``simulated`` has the same moments of
    arrival, as the batcher recorded them, and so tells whether batches and times are
    right. ``predicted`` knows nothing of that run: it is what one says beforehand.

    Returns:
        Settings, microseconds of batches by size (the median), what a second's rows can
        be at most, and for each load the medians of all rounds.
    """
    rules, rows = settings.rules, settings.rows
    samples = measure_service(model, rules, rows, settings.repeats)
    largest = max(samples)
    service = Measured(samples)
    most = rows_per_second(service.median(largest), largest, rules.num_batch_threads)
    return {
        "model": str(model.name),
        **asdict(settings),
        "batch_micros": {size: service.median(size) for size in samples},
        "rows_per_second": most,
        "at": [_at(load, most, model, service, settings) for load in settings.loads],
    }


def _at(
    load: float, most: float, model: Any, service: Measured, settings: Settings
) -> dict[str, Any]:
    rules, rows = settings.rules, settings.rows
    per_second = load * most / rows
    count = max(20, round(per_second * settings.seconds))
    measured, simulated, predicted = [], [], []
    for seed in range(settings.rounds):
        arrivals = poisson(per_second, count, rows, seed)
        real = drive(model, rules, arrivals)
        begin = real[0].arrived
        came = [(request.arrived - begin, request.rows) for request in real]
        measured.append(Latencies.of(real))
        simulated.append(Latencies.of(simulate(rules, service, came)))
        predicted.append(Latencies.of(simulate(rules, service, arrivals)))
    return {
        "load": load,
        "requests_per_second": per_second,
        "measured": _medians(measured),
        "simulated": _medians(simulated),
        "predicted": _medians(predicted),
        "measured_p99_of_rounds": [each.p99 for each in measured],
    }


def _medians(rounds: Sequence[Latencies]) -> dict[str, float]:
    return {
        name: statistics.median(getattr(each, name) for each in rounds)
        for name in (*QUANTILES, "mean_batch_rows")
    }
