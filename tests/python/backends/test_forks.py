# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Servers fork while threads load, run and close models: no child ever hangs."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.python.forks import outcomes

ROWS = np.arange(60, dtype=np.float32).reshape(20, 3)
DONE = {"done": 12}


@pytest.fixture(autouse=True, scope="module")
def collected_before() -> Iterator[None]:
    """Children collect what the tests make, and not all that TensorFlow has made.

    The memory of a million objects would be copied for each child to look at them.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def check(model: tfnative.Model | tfnative.Batcher) -> None:
    if isinstance(model, tfnative.Batcher):
        found = model.predict(ROWS[:10])
        np.testing.assert_array_equal(found, 2 * ROWS[:10] + 1)
    else:
        found = model.predict(ROWS, signature="affine")
        np.testing.assert_array_equal(found, 2 * ROWS + 1)


def test_a_child_loads_and_closes_models(fake: Path) -> None:
    def load_and_close() -> None:
        with tfnative.load(fake) as model:
            model.warmup()

    def job() -> None:
        with tfnative.load(fake) as model:
            check(model)

    assert outcomes(job, load_and_close) == DONE


@pytest.mark.parametrize("threads", [1, 3])
def test_a_child_runs_and_closes_the_parents_model(fake: Path, threads: int) -> None:
    model = tfnative.load(fake, threads=threads)

    def work() -> None:
        check(model)
        tfnative.load(fake).warmup()

    def job() -> None:
        check(model)
        model.warmup()
        model.close()

    assert outcomes(job, work) == DONE
    model.close()


def test_a_child_makes_a_batcher_of_the_parents_model(fake: Path) -> None:
    model = tfnative.load(fake)
    with tfnative.Batcher(model, signature="affine", num_batch_threads=2) as parents:

        def job() -> None:
            with tfnative.Batcher(model, signature="affine") as batcher:
                check(batcher)
                future = batcher.submit(ROWS[:1])
                np.testing.assert_array_equal(future.result(), 2 * ROWS[:1] + 1)

        assert outcomes(job, lambda: check(parents)) == DONE


def test_a_child_is_refused_the_parents_batcher(fake: Path) -> None:
    """Also where threads of the parent held its locks, or were about to answer."""
    model = tfnative.load(fake)
    batcher = tfnative.Batcher(
        model, signature="affine", num_batch_threads=1, batch_timeout_micros=2000
    )
    scheduler = tfnative.BatchScheduler(2)
    held = [batcher, scheduler]
    latest: list[tfnative.BatchFuture] = [batcher.submit(ROWS[:1])]

    def work() -> None:
        latest[0] = batcher.submit(ROWS[:1])
        latest[0].result()
        batcher.metrics()

    def job() -> None:
        future = latest[0]
        for call in (
            lambda: batcher.predict(ROWS),
            lambda: batcher.submit(ROWS),
            lambda: batcher.swap(model),
            batcher.metrics,
            batcher.start_trace,
            batcher.close,
        ):
            with pytest.raises(tfnative.FailedPreconditionError, match="forked"):
                call()
        with contextlib.suppress(tfnative.FailedPreconditionError):
            np.testing.assert_array_equal(future.result(), 2 * ROWS[:1] + 1)
        latest.clear()
        held.clear()
        gc.collect()

    assert outcomes(job, work) == DONE
    batcher.close()


def test_a_child_lets_go_of_what_it_was_refused(fake: Path) -> None:
    """What is not named any more is freed in the child, and waits for nobody."""
    model = tfnative.load(fake)
    held: list[object] = [
        tfnative.Batcher(model, signature="affine", batch_timeout_micros=10**8),
        tfnative.BatchScheduler(2),
    ]
    held.append(held[0].submit(ROWS[:1]))
    held.append(tfnative.Shadow(model, tfnative.load(fake), sample=1.0))
    held[3].predict(ROWS, signature="affine")

    def job() -> None:
        held.clear()
        gc.collect()

    assert outcomes(job) == DONE
    held[0].close(drain=False)


def test_a_child_runs_and_closes_models_made_of_others(fake: Path) -> None:
    shadow = tfnative.Shadow(tfnative.load(fake), tfnative.load(fake), sample=1.0)
    fallback = tfnative.Fallback([tfnative.load(fake), tfnative.load(fake)])

    def work() -> None:
        check(shadow)
        check(fallback)
        shadow.metrics()
        fallback.metrics()

    def job() -> None:
        work()
        shadow.flush()
        shadow.close()
        fallback.close()

    assert outcomes(job, work) == DONE
    shadow.close()


def test_a_fork_waits_for_no_thread_that_waits_for_python(fake: Path) -> None:
    """The lock that fork takes is never held by a thread that needs Python's own."""
    is_over = threading.Event()

    def load() -> None:
        while not is_over.is_set():
            tfnative.load(fake).close()

    loading = threading.Thread(target=load)
    loading.start()
    try:
        assert outcomes(lambda: None, lambda: sum(range(10000)), forks=50) == {
            "done": 50
        }
    finally:
        is_over.set()
        loading.join()
