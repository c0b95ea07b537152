# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How batchers begin, change and end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import pickle
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.python.batch.models import Slow, rows

ROOT = Path(__file__).resolve().parents[3]


def test_closing_runs_what_waits(slow):
    clock = tfnative.FakeClock()
    batcher = tfnative.Batcher(slow, batch_timeout_micros=1000, clock=clock)
    future = batcher.submit(rows())
    assert batcher.close()
    np.testing.assert_array_equal(future.result(0), 2 * rows() + 1)
    assert batcher.closed
    for ask in (batcher.predict, batcher.submit):
        with pytest.raises(tfnative.FailedPreconditionError, match="is closed"):
            ask(rows())
    batcher.close()


def test_closing_without_draining_cancels_what_waits(slow):
    slow.free.clear()
    batcher = tfnative.Batcher(slow, num_batch_threads=1)
    running = batcher.submit(rows())
    slow.begun.acquire()
    waiting = batcher.submit(rows())
    closer = threading.Thread(target=batcher.close, kwargs={"timeout": 0.02})
    closer.start()
    with pytest.raises(tfnative.CancelledError, match="was closed"):
        waiting.result(10)
    slow.free.set()
    closer.join(10)
    assert running.result(0) is not None


def test_swapping_loses_no_request(slow):
    other = Slow(offset=7)
    stop = threading.Event()
    wrong: list[object] = []

    def ask() -> None:
        while not stop.is_set():
            y = batcher.predict(rows(1))
            if y[0, 0] not in (1, 7):
                wrong.append(y)

    with tfnative.Batcher(slow, num_batch_threads=2) as batcher:
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for model in (other, slow, other):
            batcher.swap(model)
            time.sleep(0.02)
        assert batcher.predict(rows())[0, 0] == 7
        stop.set()
        for thread in threads:
            thread.join(10)
    assert not wrong
    assert batcher.metrics().errors == {}


def test_a_model_that_was_swapped_out_is_let_go():
    old = Slow()
    gone = weakref.ref(old)
    with tfnative.Batcher(old) as batcher:
        batcher.predict(rows())
        batcher.swap(Slow(offset=2))
        del old
        gc.collect()
        assert gone() is None
        assert batcher.predict(rows())[0, 0] == 2


def test_models_share_threads(model, slow):
    scheduler = tfnative.BatchScheduler(1, thread_pool_name="shared")
    with (
        tfnative.Batcher(model, signature="affine", scheduler=scheduler) as a,
        tfnative.Batcher(slow, scheduler=scheduler) as b,
    ):
        futures = [batcher.submit(rows()) for batcher in (a, b) * 20]
        assert all(f.result(10)[0, 0] == 1 for f in futures)
        assert 'thread_pool_name="shared"' in a.metrics().to_prometheus()
        assert a.options["num_batch_threads"] == 1


def test_a_batcher_keeps_its_model_and_not_for_long(fake):
    batcher = tfnative.Batcher(tfnative.load(fake), signature="affine")
    gc.collect()
    np.testing.assert_array_equal(batcher.predict(rows()), 2 * rows() + 1)
    gone = weakref.ref(batcher)
    del batcher
    gc.collect()
    assert gone() is None


def test_a_batcher_that_gave_futures_is_not_kept(slow):
    slow.free.clear()
    batcher = tfnative.Batcher(slow, num_batch_threads=1)
    futures = [batcher.submit(rows(1, i)) for i in range(3)]
    gone = weakref.ref(batcher)
    del batcher
    gc.collect()
    assert gone() is None
    slow.free.set()  # All the same, they are answered.
    for i, future in enumerate(futures):
        np.testing.assert_array_equal(future.result(10), 2 * rows(1, i) + 1)
    assert eventually(no_thread_settles_futures)

    batcher = tfnative.Batcher(slow, num_batch_threads=1)
    batcher.submit(rows()).result(10)
    del batcher
    gc.collect()
    assert eventually(no_thread_settles_futures)


def no_thread_settles_futures() -> bool:
    return all(thread.name != "tfnative-futures" for thread in threading.enumerate())


def eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.001)
    return condition()


def test_an_event_loop_does_not_keep_a_batcher(slow):
    async def ask() -> None:
        gc.collect()
        before = os.listdir("/proc/self/fd")
        batcher = tfnative.Batcher(slow)
        await batcher.predict_async(rows())
        gone = weakref.ref(batcher)
        del batcher
        gc.collect()
        assert gone() is None
        await asyncio.sleep(0.001)  # The loop stops listening.
        gc.collect()
        assert os.listdir("/proc/self/fd") == before

    asyncio.run(ask())


def test_it_can_be_closed_while_it_gives_its_first_future(slow, monkeypatch):
    batcher = tfnative.Batcher(slow)
    closing = threading.Thread(target=batcher.close)
    start = threading.Thread.start

    def start_late(thread: threading.Thread) -> None:
        if thread.name == "tfnative-futures":
            start(closing)
            time.sleep(0.05)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)
    future = batcher.submit(rows())
    closing.join(10)
    np.testing.assert_array_equal(future.result(10), 2 * rows() + 1)


def test_metrics_can_be_read_while_models_are_swapped():
    """A model that is let go needs Python's lock, which who reads metrics has."""
    code = """
import threading, time
import tfnative
from tests.python.batch.models import Slow, rows

def repeat(action):
    def loop():
        while not stop.is_set():
            action()
    return threading.Thread(target=loop)

batcher = tfnative.Batcher(Slow(), num_batch_threads=1)
stop = threading.Event()
threads = [
    repeat(batcher.metrics),
    repeat(lambda: batcher.swap(Slow())),
    repeat(lambda: batcher.predict(rows())),
    repeat(lambda: batcher.submit(rows()).cancel()),
]
for thread in threads:
    thread.start()
time.sleep(1)
stop.set()
for thread in threads:
    thread.join()
batcher.close()
print("end")
"""
    result = run(code)
    assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr


def test_it_cannot_be_pickled(batcher):
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(batcher)


def test_a_forked_child_is_told_so(batcher):
    batcher.submit(rows()).result(10)
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            try:
                batcher.predict(rows())
            except tfnative.FailedPreconditionError as error:
                status = 0 if "forked" in str(error) else 2
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    np.testing.assert_array_equal(batcher.predict(rows()), 2 * rows() + 1)


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )


BEGIN = """
import os, signal, sys, threading, time, numpy as np, tfnative
model = tfnative.load(sys.argv[1])
clock = tfnative.FakeClock()
batcher = tfnative.Batcher(
    model, signature="affine", batch_timeout_micros=1000, clock=clock)
x = np.ones((1, 3), "f4")
"""


def test_the_interpreter_ends_whatever_waits(fake):
    code = """
futures = [batcher.submit(x) for _ in range(3)]
threading.Thread(target=batcher.predict, args=(x,), daemon=True).start()
time.sleep(0.1)
print("end")
"""
    result = run(BEGIN + code, fake)
    assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr


def test_a_forked_child_ends(fake):
    code = """
future = batcher.submit(x)
if os.fork() == 0:
    sys.exit(0)  # With the interpreter's whole end.
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    result = run(BEGIN + code, fake)
    assert (result.returncode, result.stdout) == (0, "0\n"), result.stderr


def test_control_c_ends_a_wait(fake):
    code = """
# Shells have what they start in the background ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    batcher.predict(x)
except KeyboardInterrupt:
    print(batcher.metrics().queued_rows)
"""
    result = run(BEGIN + code, fake)
    assert (result.returncode, result.stdout) == (0, "0\n"), result.stderr
