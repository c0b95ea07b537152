# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Forks are refused, memory is given back, and threads may do as they like."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import tfnative

pytest.importorskip("tensorflow")

X = np.ones((2, 3), np.float32)

Saved = Callable[[str], Path]

FORK = """\
import multiprocessing, sys
import tfnative

model = tfnative.load(sys.argv[1], backend="tensorflow")

def ask(_):
    try:
        return model.predict([[1, 1, 1]], signature="affine").tolist()
    except tfnative.FailedPreconditionError as error:
        return str(error)

if __name__ == "__main__":
    assert ask(0) == [[10, 13]]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        (said,) = pool.map_async(ask, [0]).get(60)
    print(said)
    assert ask(0) == [[10, 13]]
"""


def resident() -> float:
    """MiB of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_a_child_of_fork_is_told_that_it_cannot_predict(saved: Saved, run_python):
    assert "forked" in run_python(FORK, saved("affine"))


def test_closing_while_others_predict_is_safe(saved: Saved):
    for _ in range(5):
        model = tfnative.load(saved("affine"), backend="tensorflow")
        started = threading.Barrier(5)

        def ask(model=model, started=started) -> str:
            started.wait()
            for _ in range(10_000):
                try:
                    found = model.predict(X, signature="affine")
                except tfnative.FailedPreconditionError:
                    return "closed"
                assert found.tolist() == [[10, 13]] * 2
            return "never closed"

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask) for _ in range(4)]
            started.wait()
            model.close()
            assert {each.result() for each in asking} == {"closed"}


def test_no_change_of_state_is_lost(saved: Saved):
    with (
        tfnative.load(saved("counter"), backend="tensorflow") as model,
        ThreadPoolExecutor(8) as pool,
    ):
        # TensorFlow may read the count when others have added to it already.
        counts = list(pool.map(lambda _: int(model.predict(1)), range(400)))
        assert max(counts) == 400
        assert int(model.predict(0)) == 400


def test_calls_leave_no_memory_behind(saved: Saved):
    words = np.array([b"some longer word %d" % n for n in range(200)], object)
    x = np.ones((500, 3), np.float32)
    with (
        tfnative.load(saved("words"), backend="tensorflow") as strings,
        tfnative.load(saved("affine"), backend="tensorflow") as numbers,
    ):

        def ask(times: int) -> None:
            for _ in range(times):
                strings.predict({"words": words})
                numbers.predict(x, signature="affine")
                with pytest.raises(tfnative.InvalidArgumentError):
                    numbers.predict(x[:, :2], signature="affine")

        ask(300)
        before = resident()
        ask(1000)
        assert resident() < before + 8


def test_models_that_are_closed_leave_no_memory_behind(saved: Saved):
    def load(times: int) -> None:
        for _ in range(times):
            with tfnative.load(saved("words"), backend="tensorflow") as model:
                model.predict({"words": ["one"]})

    load(10)
    before = resident()
    load(30)
    assert resident() < before + 16


def test_what_a_model_says_is_printed_nowhere(saved: Saved, run_python, capfd):
    with tfnative.load(saved("affine"), backend="tensorflow") as model:
        with pytest.raises(tfnative.InvalidArgumentError):
            model.predict(X[:, :2], signature="affine")
        model.predict(X, signature="affine")
    assert capfd.readouterr().out == ""
