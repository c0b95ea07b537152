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
from training.observe.profile import profile_callback
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


def test_without_a_trace_the_command_that_records_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"--profile 10-20"):
        read_traces(tmp_path)
    broken = tmp_path / "plugins" / "profile" / "now" / "host.xplane.pb"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no protobuf")
    with pytest.raises(TrainingError, match=r"host\.xplane\.pb is no trace"):
        read_traces(tmp_path)
