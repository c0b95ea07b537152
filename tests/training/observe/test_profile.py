# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Traces of real steps, of which we know what they wait for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.errors import TrainingError
from training.observe.profile import check_profile, profile_callback
from training.observe.steps import Shares, shares, split_steps
from training.observe.trace import read_traces

SECONDS = 0.05


def _shares(keras: Any, folder: Path, seconds: float) -> Shares:
    """Of steps whose batches take so long to make, one after the other."""
    import tensorflow as tf

    def wait(x: Any) -> Any:
        time.sleep(seconds)
        return x

    rows = np.ones((64, 4), np.float32)
    batches = tf.data.Dataset.from_tensor_slices((rows, rows[:, :1])).batch(4)
    slow = batches.map(
        lambda x, y: (
            tf.ensure_shape(tf.numpy_function(wait, [x], tf.float32), (None, 4)),
            y,
        )
    )
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    traced = profile_callback(model, (4, 9), folder, keras)
    model.fit(slow, epochs=1, verbose=0, callbacks=[traced])
    (trace,) = read_traces(folder)
    assert trace.member == folder.name
    steps = split_steps(trace)
    assert [step.number for step in steps] == [4, 5, 6, 7, 8, 9]
    return shares(steps)


def test_waiting_for_batches_is_seen(tmp_path: Path) -> None:
    import keras
    import tf_keras

    slow = _shares(keras, tmp_path / "slow", SECONDS)
    assert slow.input > 0.2
    assert slow.verdict.startswith("input-bound: ")
    assert slow.seconds * slow.input > SECONDS / 2
    # Clusters train with tf-keras, which marks steps of its own.
    fast = _shares(tf_keras, tmp_path / "fast", 0.0)
    assert fast.seconds * fast.input < SECONDS / 2


@pytest.mark.parametrize(
    ("steps", "end"), [((10, 20), 20), ((20, 20), 20), ((0, 9), 5)]
)
def test_steps_that_there_will_not_be_are_refused(
    steps: tuple[int, int], end: int
) -> None:
    said = f"--profile {steps[0]}-{steps[1]}: training has the steps 0 to {end - 1}"
    with pytest.raises(TrainingError, match=said):
        check_profile(steps, 0, end)


@pytest.mark.parametrize(
    ("begin", "said"),
    [(0, ""), (10, ""), (15, "records the rest"), (21, "records none")],
)
def test_steps_of_an_earlier_run_are_said(
    capsys: pytest.CaptureFixture[str], begin: int, said: str
) -> None:
    check_profile(None, begin, 30)
    check_profile((10, 20), begin, 30)
    assert said in (out := capsys.readouterr().out)
    assert bool(out) == bool(said)


def test_without_a_trace_the_command_that_records_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"--profile 10-20"):
        read_traces(tmp_path)
    broken = tmp_path / "plugins" / "profile" / "now" / "host.xplane.pb"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no protobuf")
    with pytest.raises(TrainingError, match=r"host\.xplane\.pb is no trace"):
        read_traces(tmp_path)
