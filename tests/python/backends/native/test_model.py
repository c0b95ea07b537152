# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a loaded model tells of itself, how long it lives, and who may use it."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import tfnative


def test_it_describes_its_signatures(model, fake):
    affine = model.signatures["affine"]
    assert affine.inputs["x"] == ("x", np.dtype("float32"), (-1, 3))
    assert affine.outputs["y"].shape == (-1, 3)
    assert affine.batch_sizes == (1, 4, 16)
    assert affine.rows_independent
    assert model.signatures["constant"].batch_sizes == ()
    assert model.signatures["constant"].outputs["sum"].dtype == np.int64
    assert not model.signatures["mean"].rows_independent
    assert (model.name, model.triple, model.cpu_level) == (
        "fake",
        "any-machine",
        "generic",
    )
    assert model.path == str(fake)
    assert model.library_path == str(fake / "libfake.so")
    assert model.manifest.name == "fake"
    assert dict(model.assets) == {}
    assert "'fake'" in repr(model)


def test_a_closed_model_says_so(fake):
    with tfnative.load(fake) as model:
        model.warmup()
    assert model.closed
    assert "closed" in repr(model)
    with pytest.raises(tfnative.FailedPreconditionError, match="is closed"):
        model.predict(np.ones((1, 3), "f4"), signature="affine")
    model.close()


def test_results_outlive_the_model(fake):
    model = tfnative.load(fake)
    results = [
        model.predict(np.ones((n, 3), "f4"), signature="affine") for n in (1, 1000)
    ]
    del model
    gc.collect()
    for result in results:
        assert (result == 3).all()


def test_it_can_be_pickled_and_copied(model):
    for other in (pickle.loads(pickle.dumps(model)), copy.copy(model)):
        assert other.predict([[1, 1, 1]], signature="affine").tolist() == [[3, 3, 3]]


def test_sixteen_threads_get_what_one_gets(fake):
    model = tfnative.load(fake)
    inputs = [np.random.default_rng(n).random((n % 37, 3), "f4") for n in range(200)]
    expected = [
        tfnative.load(fake).predict(x, signature="affine").tobytes() for x in inputs
    ]
    wrong = []
    barrier = threading.Barrier(16)

    def work(first: int) -> None:
        barrier.wait()
        for n in range(len(inputs)):
            i = (first + n) % len(inputs)
            got = model.predict(inputs[i], signature="affine").tobytes()
            if got != expected[i]:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(17 * n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_closing_while_others_predict_is_safe(fake):
    x = np.ones((40, 3), "f4")
    for _ in range(20):
        model = tfnative.load(fake)
        failures = []

        def work(model=model, failures=failures) -> None:
            try:
                while True:
                    assert model.predict(x, signature="affine")[0, 0] == 3
            except tfnative.FailedPreconditionError:
                pass
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        model.close()
        for thread in threads:
            thread.join()
        assert failures == []


@pytest.mark.parametrize("value", ["np.ones((50000, 3), 'f4')", "[[1.0] * 3] * 500"])
def test_daemon_threads_may_predict_until_the_end(fake, value):
    code = f"""
import threading, time, numpy as np, tfnative
model = tfnative.load({str(fake)!r})
value = {value}
def work():
    while True:
        model.predict(value, signature="affine")
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
"""
    command = [sys.executable, "-c", code]
    for _ in range(3):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_nothing_is_leaked(fake):
    x = np.ones((1000, 3), "f4")

    def cycle() -> None:
        with tfnative.load(fake) as model:
            for _ in range(20):
                model.predict(x, signature="affine")
                with pytest.raises(tfnative.InvalidArgumentError):
                    model.predict(x[:, :2], signature="affine")

    for _ in range(20):
        cycle()
    before = resident_bytes()
    for _ in range(300):
        cycle()
    assert resident_bytes() - before < 4 << 20
