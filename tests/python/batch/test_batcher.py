# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of many threads and coroutines, in batches."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import json

import numpy as np
import pytest

import tfnative
from tests.python.batch.models import rows


def test_it_answers_as_the_model_does(batcher):
    x = rows(5)
    np.testing.assert_array_equal(batcher.predict(x), 2 * x + 1)
    answer = batcher.predict({"x": x.tolist()})
    np.testing.assert_array_equal(answer["y"], 2 * x + 1)
    assert batcher.predict(rows(0)).shape == (0, 3)
    assert batcher.options["max_batch_size"] == 16


def test_futures_answer_later(batcher):
    future = batcher.submit(rows(3, 5))
    np.testing.assert_array_equal(future.result(10), 2 * rows(3, 5) + 1)
    done, left = concurrent.futures.wait(
        [batcher.submit(rows()) for _ in range(50)], 10
    )
    assert (len(done), len(left)) == (50, 0)


def test_coroutines_await_answers(batcher):
    async def ask() -> list[np.ndarray]:
        return await asyncio.gather(
            *(batcher.predict_async(rows(1, i)) for i in range(100))
        )

    for _ in range(2):  # Each run has an event loop of its own.
        for i, answer in enumerate(asyncio.run(ask())):
            np.testing.assert_array_equal(answer, 2 * rows(1, i) + 1)
    gc.collect()
    assert len(batcher._loops) == 0


def test_a_fake_clock_says_when_a_batch_is_due(slow):
    clock = tfnative.FakeClock()
    with tfnative.Batcher(slow, batch_timeout_micros=1000, clock=clock) as batcher:
        futures = [batcher.submit(rows(1, i)) for i in range(3)]
        assert slow.batches == []
        clock.advance(1000)
        for i, future in enumerate(futures):
            np.testing.assert_array_equal(future.result(10), 2 * rows(1, i) + 1)
        assert slow.batches == [3]
        batcher.predict(rows(4))  # A full batch is due at once.
        assert slow.batches == [3, 4]


def test_a_full_queue_rejects_and_says_how_many_rows_wait(slow):
    slow.free.clear()
    with tfnative.Batcher(slow, num_batch_threads=1, max_enqueued_batches=1) as batcher:
        running = batcher.submit(rows())
        slow.begun.acquire()
        waiting = batcher.submit(rows(4))
        with pytest.raises(tfnative.UnavailableError, match="4 rows of 1 requests"):
            batcher.predict(rows())
        with pytest.raises(tfnative.UnavailableError):
            batcher.submit(rows())
        with pytest.raises(tfnative.UnavailableError):
            asyncio.run(batcher.predict_async(rows()))
        slow.free.set()
        running.result(10), waiting.result(10)
        assert batcher.metrics().errors == {"UNAVAILABLE": 3}


def test_a_full_queue_is_tried_again_if_asked_for(slow):
    slow.free.clear()
    with tfnative.Batcher(
        slow,
        num_batch_threads=1,
        max_enqueued_batches=1,
        retry_max_time_micros=10_000_000,
        retry_delay_micros=1000,
    ) as batcher:
        batcher.submit(rows())
        slow.begun.acquire()
        batcher.submit(rows(4))

        async def ask() -> np.ndarray:
            asyncio.get_running_loop().call_later(0.05, slow.free.set)
            return await batcher.predict_async(rows(2))

        np.testing.assert_array_equal(asyncio.run(ask()), 2 * rows(2) + 1)


def test_a_run_that_says_it_is_unavailable_is_not_tried_again(slow):
    slow.error = tfnative.UnavailableError("the run's own")
    with tfnative.Batcher(slow, retry_max_time_micros=10_000_000) as batcher:
        with pytest.raises(tfnative.UnavailableError, match="own"):
            batcher.predict(rows())
        with pytest.raises(tfnative.UnavailableError, match="own"):
            asyncio.run(batcher.predict_async(rows()))
    assert slow.batches == [1, 1]


def test_what_does_not_fit_is_refused_at_once(batcher):
    for ask in (batcher.predict, batcher.submit):
        with pytest.raises(tfnative.InvalidArgumentError, match="max_batch_size is 16"):
            ask(rows(17))
        with pytest.raises(
            tfnative.InvalidArgumentError, match=r"got float32 \(1, 4\)"
        ):
            ask(np.ones((1, 4), "f4"))
        with pytest.raises(tfnative.InvalidArgumentError, match="expected float32"):
            ask(np.ones((1, 3), "f8"))
        with pytest.raises(tfnative.InvalidArgumentError, match="no input 'z'"):
            ask({"x": rows(), "z": rows()})
        with pytest.raises(tfnative.InvalidArgumentError, match="timeout must be"):
            ask(rows(), timeout=-1)
        with pytest.raises(TypeError):
            ask(rows(), timeout="soon")


def test_a_deadline_that_passes_in_the_queue_frees_the_place(slow):
    slow.free.clear()
    with tfnative.Batcher(slow, num_batch_threads=1, max_enqueued_batches=1) as batcher:
        running = batcher.submit(rows())
        slow.begun.acquire()
        late = batcher.submit(rows(4), timeout=0.02)
        with pytest.raises(tfnative.DeadlineExceededError, match="waited in the queue"):
            late.result(10)
        with pytest.raises(tfnative.DeadlineExceededError):
            batcher.predict(rows(4), timeout=0.02)
        with pytest.raises(tfnative.DeadlineExceededError):
            asyncio.run(batcher.predict_async(rows(4), timeout=0.02))
        after = batcher.submit(rows(4))
        slow.free.set()
        running.result(10), after.result(10)
    assert slow.batches == [1, 4]


def test_cancelling_takes_rows_out_of_the_queue(slow):
    slow.free.clear()
    with tfnative.Batcher(slow, num_batch_threads=1) as batcher:
        running = batcher.submit(rows())
        slow.begun.acquire()
        future = batcher.submit(rows(2))
        assert future.cancel()
        assert future.cancel()
        assert future.cancelled()
        assert batcher.metrics().queued_rows == 0
        assert not running.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            future.result(10)

        async def ask() -> None:
            task = asyncio.create_task(batcher.predict_async(rows(2)))
            await asyncio.sleep(0.01)
            assert batcher.metrics().queued_rows == 2
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert batcher.metrics().queued_rows == 0

        asyncio.run(ask())
        slow.free.set()
        assert running.result(10) is not None
    assert slow.batches == [1]


def test_a_cancelled_future_is_done_for_those_who_wait(slow):
    slow.free.clear()
    with tfnative.Batcher(slow, num_batch_threads=1) as batcher:
        batcher.submit(rows())
        slow.begun.acquire()
        futures = [batcher.submit(rows()) for _ in range(200)]
        called = []
        for future in futures:
            future.add_done_callback(called.append)
            assert future.cancel()
        done, left = concurrent.futures.wait(futures, 10)
        assert (len(done), len(left), len(called)) == (200, 0, 200)
        slow.free.set()


def test_a_failing_run_fails_its_batch_alone(slow):
    with tfnative.Batcher(slow, num_batch_threads=1) as batcher:
        slow.error = ValueError("no luck")
        with pytest.raises(tfnative.InternalError, match="ValueError: no luck"):
            batcher.predict(rows())
        slow.error = tfnative.ResourceExhaustedError("out of something")
        with pytest.raises(tfnative.ResourceExhaustedError, match="out of something"):
            batcher.submit(rows()).result(10)
        slow.error = None
        np.testing.assert_array_equal(batcher.predict(rows()), 2 * rows() + 1)


def test_a_function_has_to_give_what_it_says(slow):
    slow.predict = lambda inputs, signature: {"y": inputs["x"][:, :2]}
    wrong = pytest.raises(tfnative.InternalError, match=r"expected .* \(1, 3\), got")
    with tfnative.Batcher(slow) as batcher, wrong:
        batcher.predict(rows())
    slow.predict = lambda inputs, signature: {"z": inputs["x"]}
    wrong = pytest.raises(tfnative.InternalError, match="KeyError: 'y'")
    with tfnative.Batcher(slow) as batcher, wrong:
        batcher.predict(rows())


def test_a_callback_that_raises_harms_nobody(batcher):
    def raising(_: object) -> None:
        raise RuntimeError("a callback's own trouble")

    futures = [batcher.submit(rows()) for _ in range(20)]
    for future in futures:
        future.add_done_callback(raising)
    assert all(future.result(10) is not None for future in futures)
    np.testing.assert_array_equal(batcher.submit(rows()).result(10), 2 * rows() + 1)


def test_metrics_count_what_happened(slow):
    clock = tfnative.FakeClock()
    with tfnative.Batcher(
        slow, allowed_batch_sizes=[2, 4], batch_timeout_micros=500, clock=clock
    ) as batcher:
        future = batcher.submit(rows(3))
        metrics = batcher.metrics()
        assert (metrics.queued_requests, metrics.queued_rows) == (1, 3)
        clock.advance(500)
        future.result(10)
        metrics = batcher.metrics()
        assert metrics.request_count == metrics.wrapped_run_count == 1
        assert metrics.input_batch_size.sum == 3
        assert metrics.processed_batch_size.sum == 4
        assert metrics.padding_size[4].sum == 1
        assert metrics.queuing_latency.sum == 500
        assert 430 < metrics.queuing_latency.quantile(0.5) < 516
        assert metrics.request_latency.mean == 500
        assert metrics.batch_timeout_micros == 500
        text = metrics.to_prometheus()
        assert (
            ":tensorflow:serving:batching_session:padding_size_sum"
            '{model_name="slow",execution_batch_size="4"} 1\n' in text
        )
    with pytest.raises(tfnative.InvalidArgumentError, match="q must be"):
        metrics.run_latency.quantile(2)


def test_metrics_are_equal_while_nothing_happens(batcher):
    batcher.predict(rows(3))
    before = batcher.metrics()
    assert batcher.metrics() == before
    batcher.predict(rows(3))
    assert batcher.metrics() != before


def test_prometheus_can_read_the_metrics(batcher):
    parser = pytest.importorskip("prometheus_client.parser")
    batcher.predict(rows(3))
    families = list(
        parser.text_string_to_metric_families(batcher.metrics().to_prometheus())
    )
    names = {family.name for family in families}
    assert ":tensorflow:serving:batching_session:queuing_latency" in names


def test_a_trace_shows_requests_and_batches(slow, tmp_path):
    clock = tfnative.FakeClock()
    with tfnative.Batcher(slow, batch_timeout_micros=100, clock=clock) as batcher:
        batcher.start_trace()
        futures = [batcher.submit(rows(n)) for n in (1, 2)]
        clock.advance(100)
        concurrent.futures.wait(futures, 10)
        trace = batcher.stop_trace()
    (batch,) = trace.batches
    assert (batch.rows, batch.padded_rows) == (3, 3)
    assert batch.started_micros - batch.opened_micros == 100
    assert {r.id for r in trace.requests} == set(batch.requests)
    trace.save(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert sorted(e["ph"] for e in events) == ["X", "b", "b", "e", "e"]


def test_it_reads_tensorflow_servings_parameters(model, tmp_path):
    file = tmp_path / "batching.txt"
    file.write_text("max_batch_size { value: 8 } num_batch_threads { value: 3 }")
    with tfnative.Batcher.from_text_proto(file, model, signature="affine") as batcher:
        assert batcher.options["max_batch_size"] == 8
        assert batcher.options["num_batch_threads"] == 3
        assert batcher.options["max_enqueued_batches"] == 10
        np.testing.assert_array_equal(batcher.predict(rows()), 2 * rows() + 1)
    file.write_text("max_batch { value: 8 }")
    with pytest.raises(tfnative.InvalidArgumentError, match="line 1, column 11"):
        tfnative.Batcher.from_text_proto(file, model, signature="affine")
    with pytest.raises(tfnative.NotFoundError):
        tfnative.Batcher.from_text_proto(tmp_path / "none", model, signature="affine")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_batch_size": 0}, "max_batch_size must be at least 1, got 0"),
        ({"num_batch_threads": 0}, "num_batch_threads must be in 1 to 1024"),
        ({"num_batch_threads": 2000}, "num_batch_threads must be in 1 to 1024"),
        ({"allowed_batch_sizes": [8, 4]}, "must be positive and ascending"),
        ({"batch_timeout_micros": "auto"}, "need each other"),
        ({"latency_target_ms": 5}, "need each other"),
        ({"batch_timeout_micros": 1.5}, 'an integer or "auto"'),
        ({"batch_timeout_micros": "auto", "latency_target_ms": 0}, "must be positive"),
        ({"streaming": True}, "batch_timeout_micros of streaming"),
        ({"signature": "mean"}, "the rows of a batch influence each other"),
        ({"signature": "constant"}, "cannot be batched"),
        ({"signature": "none"}, "no signature 'none'"),
        ({"num_batch_threads": 2, "scheduler": True}, "those of the scheduler"),
    ],
)
def test_what_contradicts_itself_is_refused(model, options, message):
    if "scheduler" in options:
        options = {**options, "scheduler": tfnative.BatchScheduler(1)}
    with pytest.raises(tfnative.InvalidArgumentError, match=message):
        tfnative.Batcher(model, **{"signature": "affine", **options})


NUMBERS = [
    "max_batch_size",
    "batch_timeout_micros",
    "num_batch_threads",
    "max_enqueued_batches",
    "max_execution_batch_size",
    "retry_max_time_micros",
    "retry_delay_micros",
]
SWITCHES = ["enable_large_batch_splitting", "pad_variable_length_inputs", "streaming"]


@pytest.mark.parametrize("name", [*NUMBERS, *SWITCHES, "allowed_batch_sizes"])
def test_what_no_option_can_be_is_refused_with_its_name(model, name):
    for value in (2**63, -(2**63), 2**200, 1.5, float("nan"), "8", b"8", [1.5], {}):
        if name == "allowed_batch_sizes" and value == {}:
            continue  # No sizes.
        with pytest.raises(tfnative.InvalidArgumentError, match=name):
            tfnative.Batcher(model, signature="affine", **{name: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, "5", -1])
def test_what_no_latency_target_can_be_is_refused(model, value):
    options = {"batch_timeout_micros": "auto", "latency_target_ms": value}
    with pytest.raises(tfnative.InvalidArgumentError, match="latency_target_ms"):
        tfnative.Batcher(model, signature="affine", **options)


def test_numpy_numbers_are_numbers(model):
    options = {name: np.int64(2) for name in NUMBERS}
    with tfnative.Batcher(model, signature="affine", **options) as batcher:
        assert batcher.options["max_enqueued_batches"] == 2


def test_the_longest_times_that_are_taken_work(model):
    options = {"batch_timeout_micros": 10**15, "retry_max_time_micros": 10**15}
    with tfnative.Batcher(
        model, signature="affine", max_batch_size=1, **options
    ) as batcher:
        np.testing.assert_array_equal(batcher.predict(rows()), 2 * rows() + 1)


def test_only_what_predicts_can_be_batched():
    with pytest.raises(tfnative.InvalidArgumentError, match="expected a model"):
        tfnative.Batcher(object())


def test_streaming_batches_reject_what_finds_no_thread(slow):
    slow.free.clear()
    with tfnative.Batcher(
        slow, streaming=True, batch_timeout_micros=1000, num_batch_threads=1
    ) as batcher:
        future = batcher.submit(rows())
        slow.begun.acquire()
        with pytest.raises(tfnative.UnavailableError, match="all batch threads"):
            batcher.predict(rows())
        slow.free.set()
        assert future.result(10) is not None


def test_the_timeout_is_found_and_reported(slow):
    with tfnative.Batcher(
        slow, batch_timeout_micros="auto", latency_target_ms=20
    ) as batcher:
        batcher.predict(rows())
        assert batcher.metrics().batch_timeout_micros == 0
        assert batcher.options["latency_target_micros"] == 20_000


def test_sixteen_threads_get_their_own_answers(model):
    with tfnative.Batcher(
        model, signature="affine", num_batch_threads=2, batch_timeout_micros=100
    ) as batcher:

        def ask(seed: int) -> int:
            wrong = 0
            for i in range(100):
                x = rows(1 + i % 3, 1000 * seed + i)
                wrong += not np.array_equal(batcher.predict(x), 2 * x + 1)
            return wrong

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(ask, range(16))) == 0
        metrics = batcher.metrics()
    assert metrics.request_latency.count == 1600
    assert metrics.wrapped_run_count < 1600


def test_deadlines_pass_one_after_the_other_while_nothing_else_happens(slow):
    slow.free.clear()
    with tfnative.Batcher(slow, num_batch_threads=1, max_batch_size=1) as batcher:
        running = batcher.submit(rows())
        assert slow.begun.acquire(timeout=20)
        try:
            for _ in range(3):
                waiting = batcher.submit(rows(), timeout=0.05)
                with pytest.raises(tfnative.DeadlineExceededError):
                    waiting.result(timeout=20)
        finally:
            slow.free.set()
        assert running.result(timeout=20) is not None
