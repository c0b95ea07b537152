# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What `tune` tries, and what it makes of what it measures."""

from __future__ import annotations

import pytest

import tfnative
from tfnative._batch.traffic_generator import Traffic
from tfnative._batch.tune import numbers_of_rows


@pytest.fixture
def measured(monkeypatch) -> list[object]:
    """Has `tune` measure nothing; lists what it would have measured.

    Batches of up to n rows give 1000 n rows per second with a p99 of 100 n us, and
    the timeout comes on top of that.
    """
    done: list[object] = []

    def closed_loop(batcher, inputs, callers, seconds):
        size = batcher.options["max_batch_size"]
        p99 = 100.0 * size + batcher.options["batch_timeout_micros"]
        done.append(("closed", callers, seconds))
        return Traffic(1, [p99 / 2] * 500 * size + [p99] * 500 * size, 0)

    def open_loop(batcher, inputs, per_second, seconds):
        done.append(("open", per_second, seconds))
        return Traffic(1, [1.0] * 100, 0)

    def measure(model, signature, rows, seconds):
        done.append((rows, model.threads))
        return tfnative.BenchRow(signature.name, rows, 10.0 * rows, 11.0 * rows, 1e5)

    monkeypatch.setattr("tfnative._batch.tune.closed_loop", closed_loop)
    monkeypatch.setattr("tfnative._batch.tune.open_loop", open_loop)
    monkeypatch.setattr("tfnative._batch.tune.measure", measure)
    return done


def tune(fake, **options) -> tfnative.TuneReport:
    options = {"batch_timeouts_micros": [0], "num_batch_threads": [1]} | options
    return tfnative.tune(fake, signature="affine", **options)


def grid(report: tfnative.TuneReport) -> list[tuple[object, ...]]:
    found = [trial.parameters for trial in report.trials]
    return [
        (
            p.max_batch_size,
            p.batch_timeout_micros,
            p.num_batch_threads,
            *p.allowed_batch_sizes,
        )
        for p in found
    ]


def test_all_combinations_are_tried_but_those_that_make_no_difference(fake, measured):
    report = tune(fake, batch_timeouts_micros=[0, 100], num_batch_threads=[1, 2])
    assert grid(report) == [
        *[(1, 0, 1), (1, 0, 2)],
        *[(4, 0, 1), (4, 0, 2), (4, 100, 1), (4, 100, 2)],
        *[(16, 0, 1), (16, 0, 2), (16, 100, 1), (16, 100, 2)],
    ]


def test_allowed_batch_sizes_end_with_the_largest_batch(fake, measured):
    report = tune(fake, max_batch_sizes=[1, 8, 16], allowed_batch_sizes=[[2, 8, 32]])
    assert grid(report) == [
        *[(1, 0, 1)],
        *[(8, 0, 1), (8, 0, 1, 2, 8)],
        *[(16, 0, 1), (16, 0, 1, 2, 8, 16)],
    ]


def test_timeouts_that_the_target_does_not_leave_are_not_tried(fake, measured):
    options = {"max_batch_sizes": [4], "latency_target_ms": 1.0}
    report = tune(fake, batch_timeouts_micros=[0, 999, 1000], **options)
    assert grid(report) == [(4, 0, 1), (4, 999, 1)]
    assert grid(tune(fake, batch_timeouts_micros=[1000], **options)) == [(4, 0, 1)]


@pytest.mark.parametrize(
    ("cores", "counts"),
    [(None, [1]), (1, [1]), (3, [1, 2]), (4, [1, 2, 4]), (9, [1, 2, 4, 8])],
)
def test_threads_are_doubled_as_long_as_there_are_cores(
    fake, measured, monkeypatch, cores, counts
):
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    report = tune(fake, max_batch_sizes=[4], num_batch_threads=None)
    assert sorted({found[2] for found in grid(report)}) == counts


def test_a_batch_of_one_row_does_not_wait(fake, measured):
    report = tune(fake, batch_timeouts_micros=[100], max_batch_sizes=[1])
    assert grid(report) == [(1, 0, 1)]


@pytest.mark.parametrize(
    ("target", "proposed", "in_time"),
    [
        (None, (16, 0), True),
        (1.5, (4, 0), True),
        (0.11, (1, 0), True),
        (0.01, (1, 0), False),
    ],
)
def test_the_measurements_decide(fake, measured, target, proposed, in_time):
    report = tune(fake, latency_target_ms=target, batch_timeouts_micros=[200, 0])
    found = report.proposed
    parameters = found.parameters
    assert (parameters.max_batch_size, parameters.batch_timeout_micros) == proposed
    assert report.in_time is in_time
    assert found in report.trials
    assert found.rows_per_second == found.answered == 1000 * proposed[0]
    assert (found.p50_micros, found.p99_micros) == (50 * proposed[0], 100 * proposed[0])


def test_batches_are_timed_at_compiled_sizes_and_between_them(fake, measured):
    assert [row.rows for row in tune(fake).batch_times] == [1, 2, 4, 5, 10, 16]
    assert numbers_of_rows([8]) == [8]
    assert numbers_of_rows([1, 2, 3]) == [1, 2, 3]


def test_the_load_is_that_which_was_asked_for(fake, measured):
    options = {"seconds": 0.5, "max_batch_sizes": [4]}
    tune(fake, concurrency=7, threads=3, **options)
    assert measured[0] == (1, 3)
    assert measured[-1] == ("closed", 7, 0.5)
    tune(fake, rate=300.0, **options)
    assert measured[-1] == ("open", 300.0, 0.5)


def test_it_says_how_long_it_takes_before_it_begins(fake, measured):
    told = []

    def on_trial(done: int, count: int, seconds_left: float) -> None:
        told.append((done, count, round(seconds_left, 1), len(measured)))

    tune(fake, seconds=2.0, on_trial=on_trial)
    # Three trials with a tenth to warm up, and six numbers of rows.
    assert told[0] == (0, 3, 3 * 2.2 + 6 * 0.3, 0)
    assert told[1:] == [(1, 3, 4.4, 7), (2, 3, 2.2, 8), (3, 3, 0.0, 9)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_batch_threads": [1, 0]}, "num_batch_threads must be in 1 to 1024"),
        ({"batch_timeouts_micros": [0, -1]}, "batch_timeout_micros must be at least 0"),
        ({"allowed_batch_sizes": [[2, 2]]}, "must be positive and ascending"),
        ({"threads": -1}, "threads must be positive"),
        ({"concurrency": 5000}, "concurrency must be in 1 to 4096"),
        ({"seconds": float("inf")}, "seconds must be positive"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_work(
    fake, measured, options, message
):
    with pytest.raises(tfnative.InvalidArgumentError, match=message):
        tune(fake, **options)
    assert measured == []


def test_signatures_that_cannot_be_batched_are_refused(fake, measured):
    with pytest.raises(tfnative.InvalidArgumentError, match="no batch dimension"):
        tfnative.tune(fake, signature="pair")
    assert measured == []


def test_it_measures(fake):
    report = tune(fake, concurrency=4, seconds=0.05, threads=2, max_batch_sizes=[2, 16])
    assert (report.model, report.signature) == ("fake", "affine")
    assert [trial.parameters.max_batch_size for trial in report.trials] == [2, 16]
    for trial in report.trials:
        assert trial.rows_per_second > 0
        assert 0 < trial.p50_micros <= trial.p99_micros
        assert 1 <= trial.mean_batch_size <= min(4, trial.parameters.max_batch_size)
        assert trial.answered > 0
        assert trial.failed == 0
    assert all(row.median_micros > 0 for row in report.batch_times)
