# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tfnative

X = np.zeros((5, 3), np.float32)


def test_a_profile_has_every_step_and_what_it_comes_from(fake: Path) -> None:
    with tfnative.load(fake) as model:
        profile = model.profile(X, signature="affine", runs=3)
    assert (profile.model, profile.signature, profile.runs) == ("fake", "affine", 3)
    names = {(step.kind, step.op, step.name) for step in profile.steps}
    assert names == {("copy", "", "x"), ("kernel", "Mul", "y/mul")}
    numbers = [step.number for step in profile.steps if step.batch_size == 4]
    assert numbers == list(range(len(numbers)))
    assert sum(step.share for step in profile.steps) == pytest.approx(1)
    assert sum(s.micros for s in profile.steps) == pytest.approx(profile.micros)
    assert "y/mul" in str(profile)


def test_a_trace_is_in_chromes_format(fake: Path, tmp_path: Path) -> None:
    with tfnative.load(fake) as model:
        model.profile(X, signature="affine", runs=1).save_trace(tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert [e["ph"] for e in events[:2]] == ["M", "X"]
    shown = events[1:]
    assert all(e["dur"] >= 0 and e["args"]["batch_size"] > 0 for e in shown)
    assert [e["ts"] for e in shown] == sorted(e["ts"] for e in shown)


def test_a_number_of_runs_below_one_is_refused(fake: Path) -> None:
    with (
        tfnative.load(fake) as model,
        pytest.raises(tfnative.InvalidArgumentError, match="runs must be at least 1"),
    ):
        model.profile(X, signature="affine", runs=0)


@pytest.mark.parametrize("threads", [2, tfnative.ThreadPool(2)])
def test_threads_share_a_call(fake: Path, threads: int | tfnative.ThreadPool) -> None:
    with tfnative.load(fake, threads=threads) as model:
        assert model.threads == 2
        y = model.predict(np.ones((7, 3), np.float32), signature="affine")
    np.testing.assert_array_equal(y, np.full((7, 3), 3, np.float32))


def test_numbers_of_threads_that_make_no_sense_are_refused(fake: Path) -> None:
    for threads in (0, -1, 5000):
        with pytest.raises(tfnative.InvalidArgumentError, match="threads"):
            tfnative.load(fake, threads=threads)


def test_no_thread_exists_unless_asked_for(fake: Path) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = count()
    with tfnative.load(fake) as model:
        model.predict(X, signature="affine")
        assert count() == before
        with tfnative.load(fake, threads=3):
            assert count() == before + 2
    assert count() == before
