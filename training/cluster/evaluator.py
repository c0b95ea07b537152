# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Validation in a process of its own: `SidecarEvaluator` reads each new checkpoint.

Training does not wait for it, and does not notice when it dies. It needs the folder of
checkpoints, and nothing else of the cluster.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from training.begin import compile_model, held_out_of, open_for, steps_of
from training.checkpoints import check_of
from training.cluster.common import nothing_to_tell
from training.errors import ClusterError
from training.files import add_lines, read_lines
from training.finish import EVALUATION_ROWS
from training.models import build_model
from training.options import FitOptions, Fitted

EVALUATIONS = "evaluations.jsonl"
EVALUATOR_SECONDS = 3600.0
"""How long one that nobody supervises waits for a checkpoint."""


def evaluate(options: FitOptions) -> Fitted:
    """Evaluates checkpoints as they come, until the one of the last step.

    With ``logs``, TensorBoard shows the curve as ``validation``, beside ``train``; with
    a ``run_folder``, each result is a line of ``evaluations.jsonl``.

    Raises:
        ClusterError: No checkpoint comes for ``evaluator_seconds``.
        CheckpointError: Checkpoints are of another model, or of other data.
    """
    import tensorflow as tf
    import tf_keras

    begin = time.perf_counter()
    data = open_for(options)
    steps, _ = steps_of(options, data)
    model = build_model(options.model, data, keras=tf_keras, seed=options.seed)
    compile_model(model, options, data, steps, tf_keras)
    model.optimizer.build(model.trainable_variables)
    features, labels = held_out_of(data, options)
    folder = options.checkpoints
    assert folder is not None
    waiting = Waiting(folder, options.evaluator_seconds or EVALUATOR_SECONDS)

    class Evaluator(tf_keras.utils.SidecarEvaluator):  # type: ignore[misc]
        """Which does not wait for ever."""

        def _timeout_fn(self) -> bool:
            # Asked about twice a minute, when there is nothing new.
            waiting.check()
            return False

    # Nothing is new before the first, for which it would wait half a minute at least.
    first = tf.train.checkpoints_iterator(str(folder), timeout=waiting.seconds)
    if next(first, None) is None:
        raise waiting.in_vain()
    check_of(folder, options.model, options.data)
    Evaluator(
        model,
        _batches(features, labels),
        checkpoint_dir=str(folder),
        # Checkpoints have the number of their step.
        max_evaluations=steps,
        callbacks=_callbacks(options, model, tf_keras, waiting),
    ).start()
    return nothing_to_tell(0, steps, time.perf_counter() - begin)


class Waiting:
    """How long an evaluator has waited for a checkpoint. One thread uses it."""

    def __init__(self, folder: Path, seconds: float) -> None:
        """Begins to wait.

        Args:
            folder: In which checkpoints are to be.
            seconds: How long to wait for each.
        """
        self.folder = folder
        self.seconds = seconds
        self._step: int | None = None
        self._since = time.monotonic()

    def evaluated(self, step: int) -> None:
        """Begins to wait for the one after that of a step."""
        self._step, self._since = step, time.monotonic()

    def check(self) -> None:
        """Raises ClusterError, if it was too long."""
        if time.monotonic() - self._since > self.seconds:
            raise self.in_vain()

    def in_vain(self) -> ClusterError:
        """What there is to say when none came."""
        what = "" if self._step is None else f" after that of step {self._step}"
        return ClusterError(
            f"the evaluator has waited {time.monotonic() - self._since:.0f} seconds "
            f"for a checkpoint in {self.folder}{what}, and there is none that it can "
            "read: train with the same --checkpoints, or let it wait longer with "
            "--evaluator-seconds"
        )


def _batches(features: Any, labels: Any) -> Any:
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices((features, labels))
    return rows.batch(EVALUATION_ROWS).cache()


def _callbacks(
    options: FitOptions, model: Any, keras: Any, waiting: Waiting
) -> list[Any]:
    def on_evaluated(logs: Any = None) -> None:
        waiting.evaluated(int(model.optimizer.iterations.numpy()))

    callbacks = [keras.callbacks.LambdaCallback(on_test_end=on_evaluated)]
    if options.logs:
        callbacks.append(keras.callbacks.TensorBoard(str(options.logs)))
    if options.run_folder:
        path = options.run_folder / EVALUATIONS

        def on_test_end(logs: Any = None) -> None:
            _add(path, int(model.optimizer.iterations.numpy()), logs or {})

        callbacks.append(keras.callbacks.LambdaCallback(on_test_end=on_test_end))
    return callbacks


def _add(path: Path, step: int, logs: dict[str, Any]) -> None:
    values = {name: float(value) for name, value in logs.items()}
    add_lines(path, [{"step": step, **values}])


def read_evaluations(folder: Path) -> list[dict[str, float]]:
    """The results of a run, in their order: step, loss, and the model's metric."""
    return read_lines(folder / EVALUATIONS)
