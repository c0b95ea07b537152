# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Callers for a batcher: how often they ask, and what is counted of it."""

from __future__ import annotations

import threading
import time

import pytest

import tfnative
from tests.python.batch.models import Slow, rows
from tfnative._batch.traffic_generator import Traffic, closed_loop, open_loop


class Sleeper:
    """Takes its time for each request."""

    def predict(self, inputs):
        time.sleep(0.3)


def test_callers_ask_again_and_again():
    with tfnative.Batcher(Slow()) as batcher:
        traffic = closed_loop(batcher, rows(), 4, 0.1)
        assert 0 < len(traffic.latencies_micros) <= batcher.metrics().request_count
    assert traffic.failed == 0
    assert traffic.latencies_micros == sorted(traffic.latencies_micros)
    assert 0 < traffic.quantile(0.5) <= traffic.quantile(0.99)


def test_requests_that_come_by_chance_come_as_often_as_told():
    with tfnative.Batcher(Slow()) as batcher:
        traffic = open_loop(batcher, rows(), 500, 0.4)
        assert 120 < batcher.metrics().request_count < 290
        assert len(traffic.latencies_micros) == batcher.metrics().request_count


def test_requests_that_are_rejected_are_counted():
    model = Slow()
    model.error = tfnative.ResourceExhaustedError("no")
    with tfnative.Batcher(model) as batcher:
        assert closed_loop(batcher, rows(), 2, 0.05).failed > 0
        assert open_loop(batcher, rows(), 200, 0.1).failed > 0


def test_quantiles_are_those_of_what_was_answered():
    traffic = Traffic(2, [float(n) for n in range(1, 102)], 7)
    assert [traffic.quantile(q) for q in (0, 0.5, 0.99, 1)] == [1, 51, 100, 101]
    assert traffic.per_second == 101 / 2
    assert Traffic(2, [], 7).quantile(0.5) == 0


def test_answers_that_come_after_the_end_count_with_the_time_they_took():
    # Requests at 0 s, while it warms up, and at 0.3 s: 4 / 0.3 s, not 4 / 0.45 s.
    traffic = closed_loop(Sleeper(), rows(), 4, 0.45)
    assert len(traffic.latencies_micros) == 4
    assert 0.3 <= traffic.seconds < 0.45
    assert traffic.per_second == 4 / traffic.seconds


def test_requests_without_an_answer_are_given_up():
    model = Slow()
    model.free.clear()
    free = threading.Timer(1, model.free.set)
    free.start()
    with tfnative.Batcher(model, num_batch_threads=1, max_batch_size=1) as batcher:
        traffic = open_loop(batcher, rows(), 100, 0.3)
        free.join()
        errors = batcher.metrics().errors
    # The batch that runs is answered at last. What waits has failed after 0.6 s.
    assert len(traffic.latencies_micros) == 1
    assert errors["DEADLINE_EXCEEDED"] == traffic.failed > 5


def test_requests_that_come_too_fast_to_be_sent_have_failed():
    with tfnative.Batcher(Slow()) as batcher:
        begin = time.perf_counter()
        traffic = open_loop(batcher, rows(), 1e7, 0.1)
        assert time.perf_counter() - begin < 5  # Not the minutes of a million requests.
    total = traffic.failed + len(traffic.latencies_micros)
    assert total == pytest.approx(1e6, rel=0.1)
    assert len(traffic.latencies_micros) < 2e5


def test_callers_that_cannot_be_started_are_an_error(monkeypatch):
    real, started = threading.Thread.start, []

    def start(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        real(thread)

    with tfnative.Batcher(Slow()) as batcher:
        monkeypatch.setattr(threading.Thread, "start", start)
        with pytest.raises(tfnative.ResourceExhaustedError, match="3 threads, but 2"):
            closed_loop(batcher, rows(), 3, 0.05)
    assert not any(thread.is_alive() for thread in started)
