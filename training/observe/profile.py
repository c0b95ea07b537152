# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Records a trace of chosen steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.errors import TrainingError
from training.observe.trace import STEP


def check_profile(steps: tuple[int, int] | None, begin: int, end: int) -> None:
    """Refuses a trace of steps that there will not be.

    Args:
        steps: The first and the last step of the trace, or None.
        begin: The first step of this run: those before it were done by another.
        end: One more than the last.

    Raises:
        TrainingError: Training ends before the last of them.
    """
    if steps is None:
        return
    first, last = steps
    if last >= end:
        raise TrainingError(
            f"--profile {first}-{last}: training has the steps 0 to {end - 1}: choose "
            "some of these"
        )
    if first < begin:
        what = "the rest of them" if last >= begin else "none of them"
        print(
            f"--profile {first}-{last}: this run begins at step {begin}, and records "
            f"{what}",
            flush=True,
        )


def profile_callback(
    model: Any, steps: tuple[int, int], folder: Path, keras: Any
) -> Any:
    """A Keras callback that records a trace.

    Args:
        model: Compiled: its optimizer counts the steps, those of earlier runs as well.
        steps: The first and the last step. The first of a process takes long, since
            functions are traced in it: begin later.
        folder: The logs, where TensorBoard looks for it.
        keras: The module that the model was built with.
    """
    import tensorflow as tf

    first, last = steps
    profiler = tf.profiler.experimental

    class ProfileSteps(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            self._step = int(model.optimizer.iterations.numpy())
            self._is_recording = False
            self._mark: Any = None

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if first <= self._step <= last and not self._is_recording:
                profiler.start(str(folder))
                self._is_recording = True
            if self._is_recording:
                self._mark = profiler.Trace(STEP, step_num=self._step, _r=1)
                self._mark.__enter__()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if self._mark is not None:
                self._mark.__exit__(None, None, None)
                self._mark = None
            if self._step == last:
                self._stop()
            self._step += 1

        def on_train_end(self, logs: Any = None) -> None:
            self._stop()

        def _stop(self) -> None:
            if self._is_recording:
                profiler.stop()
                self._is_recording = False

    return ProfileSteps()
