# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Looks for the batching parameters that suit a model on the machine at hand."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from tfnative._backends.load import load
from tfnative._batch.batcher import Batcher
from tfnative._batch.traffic_generator import Traffic, closed_loop, open_loop
from tfnative._batch.trials import BatchParameters, BatchTrial, choose
from tfnative._measure.bench import BenchRow, measure, random_inputs
from tfnative._model import Model
from tfnative._signature import Signature
from tfnative.errors import InvalidArgumentError

BATCH_TIME_SECONDS = 0.3
"""How long each number of rows is timed, or as long as a trial if that is less."""

MAX_CONCURRENCY = 4096
"""Each caller is a thread."""


@dataclass(frozen=True)
class TuneReport:
    """What was measured, and what follows from it.

    Attributes:
        model: The model's name.
        signature: The signature's.
        batch_times: How long a batch takes by itself, for each compiled size and for
            sizes between them.
        trials: The candidates, in the order in which they were tried.
        proposed: The one to take.
        in_time: Whether its p99 is within the latency target, if there is one, and it
            failed no more than one request of 100.
    """

    model: str
    signature: str
    batch_times: tuple[BenchRow, ...]
    trials: tuple[BatchTrial, ...]
    proposed: BatchTrial
    in_time: bool


@dataclass(frozen=True)
class Load:
    """What a candidate is tried with: ``rate``, or else ``concurrency``."""

    concurrency: int
    rate: float | None
    seconds: float


def tune(
    artifact: str | os.PathLike[str],
    *,
    signature: str | None = None,
    threads: int = 1,
    concurrency: int = 64,
    rate: float | None = None,
    latency_target_ms: float | None = None,
    max_batch_sizes: Sequence[int] | None = None,
    batch_timeouts_micros: Sequence[int] = (0, 200, 1000, 4000),
    num_batch_threads: Sequence[int] | None = None,
    allowed_batch_sizes: Sequence[Sequence[int]] = (),
    seconds: float = 1.0,
    on_trial: Callable[[int, int, float], None] | None = None,
) -> TuneReport:
    """Tries batching parameters under load, and proposes some.

    Proposed is, of those whose p99 is within the target, the one with most rows per
    second; and of those that give 95% of the most, the one with the least p99. If none
    is within the target, the one with the least p99. One that fails more than one
    request of 100 counts as late, whatever the target.

    Args:
        artifact: The artifact's folder, or its library.
        signature: Default: "serving_default", or the only one.
        threads: How many threads work on one batch.
        concurrency: How many callers ask for a row each, again and again; up to 4096.
        rate: Instead of them: how many requests of a row come per second, by chance.
        latency_target_ms: In how many milliseconds 99 of 100 requests are to be
            answered. Default: any.
        max_batch_sizes: To try. Default: the compiled batch sizes.
        batch_timeouts_micros: To try; those above the target are left out, and for
            batches of one row, all but 0.
        num_batch_threads: To try. Default: 1, 2, 4, ... up to the machine's.
        allowed_batch_sizes: To try, beside none. Of each, sizes below the largest
            batch are taken, and the largest batch.
        seconds: How long to try each combination.
        on_trial: Called with the number of trials done, the number of all, and about
            how many seconds are left; for the first time before anything is measured.

    Raises:
        NotFoundError, LoadError: As ``load``.
        InvalidArgumentError: As ``Batcher``, or a number is not positive or too large.
        FailedPreconditionError: No candidate answered a single request.
        ResourceExhaustedError: Threads for the callers cannot be started.
    """
    _check_positive(
        threads=threads,
        concurrency=concurrency,
        rate=rate,
        latency_target_ms=latency_target_ms,
        seconds=seconds,
    )
    if concurrency > MAX_CONCURRENCY:
        raise InvalidArgumentError(
            f"concurrency must be in 1 to {MAX_CONCURRENCY}, got {concurrency}"
        )
    with load(artifact, threads=threads) as model:
        found = model.signature(signature)
        candidates = _candidates(
            max_batch_sizes or found.batch_sizes or (1,),
            _timeouts(batch_timeouts_micros, latency_target_ms),
            num_batch_threads or _thread_counts(),
            [(), *map(tuple, allowed_batch_sizes)],
        )
        for candidate in candidates:  # Before the work, not amidst it.
            _make_batcher(model, found, candidate).close()
        sizes = numbers_of_rows(found.batch_sizes)
        each = min(BATCH_TIME_SECONDS, seconds)

        def tell(done: int) -> None:
            if on_trial is not None:
                count = len(candidates)
                left = (count - done) * seconds * 1.1 + (not done) * len(sizes) * each
                on_trial(done, count, left)

        tell(0)
        times = tuple(measure(model, found, size, each) for size in sizes)
        trials = []
        for candidate in candidates:
            load_ = Load(concurrency, rate, seconds)
            trials.append(_try(model, found, candidate, load_))
            tell(len(trials))
        proposed, in_time = choose(trials, latency_target_ms)
        return TuneReport(
            model.name, found.name, times, tuple(trials), proposed, in_time
        )


def numbers_of_rows(batch_sizes: Sequence[int]) -> list[int]:
    """The compiled sizes, and between two: the next after one, and the middle."""
    found = set(batch_sizes)
    for low, high in itertools.pairwise(sorted(batch_sizes)):
        found |= {low + 1, (low + high) // 2}
    return sorted(found)


def _try(
    model: Model, signature: Signature, candidate: BatchParameters, load: Load
) -> BatchTrial:
    inputs = random_inputs(model, signature, 1)
    with _make_batcher(model, signature, candidate) as batcher:
        batcher.predict(inputs)
        traffic: Traffic
        if load.rate is None:
            traffic = closed_loop(batcher, inputs, load.concurrency, load.seconds)
        else:
            traffic = open_loop(batcher, inputs, load.rate, load.seconds)
        metrics = batcher.metrics()
    return BatchTrial(
        candidate,
        traffic.per_second,
        traffic.quantile(0.5),
        traffic.quantile(0.99),
        metrics.processed_batch_size.mean,
        len(traffic.latencies_micros),
        traffic.failed,
    )


def _make_batcher(
    model: Model, signature: Signature, candidate: BatchParameters
) -> Batcher:
    return Batcher(model, signature=signature.name, **asdict(candidate))


def _candidates(
    max_batch_sizes: Sequence[int],
    timeouts: Sequence[int],
    thread_counts: Sequence[int],
    allowed: Sequence[tuple[int, ...]],
) -> list[BatchParameters]:
    """All combinations that differ."""
    combinations = itertools.product(max_batch_sizes, timeouts, thread_counts, allowed)
    return list(dict.fromkeys(_candidate(*each) for each in combinations))


def _candidate(
    size: int, timeout: int, threads: int, allowed: tuple[int, ...]
) -> BatchParameters:
    if size == 1:  # A batch of one waits for nobody, and is not padded.
        return BatchParameters(1, 0, threads)
    if allowed:
        allowed = (*(n for n in allowed if n < size), size)
    return BatchParameters(size, timeout, threads, allowed)


def _timeouts(wanted: Sequence[int], latency_target_ms: float | None) -> list[int]:
    if latency_target_ms is None:
        return list(wanted)
    return [micros for micros in wanted if micros < latency_target_ms * 1e3] or [0]


def _thread_counts() -> list[int]:
    counts = [1]
    while counts[-1] * 2 <= (os.cpu_count() or 1):
        counts.append(counts[-1] * 2)
    return counts


def _check_positive(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not 0 < value < math.inf:
            raise InvalidArgumentError(f"{name} must be positive, got {value}")
