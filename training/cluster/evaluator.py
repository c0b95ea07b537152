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
from training.cluster.common import nothing_to_tell
from training.files import add_lines, read_lines
from training.finish import EVALUATION_ROWS
from training.models import build_model
from training.options import FitOptions, Fitted

EVALUATIONS = "evaluations.jsonl"


def evaluate(options: FitOptions) -> Fitted:
    """Evaluates checkpoints as they come, until the one of the last step.

    With ``logs``, TensorBoard shows the curve as ``validation``, beside ``train``; with
    a ``run_folder``, each result is a line of ``evaluations.jsonl``.
    """
    import tf_keras

    begin = time.perf_counter()
    data = open_for(options)
    steps, _ = steps_of(options, data)
    model = build_model(options.model, data, keras=tf_keras, seed=options.seed)
    compile_model(model, options, data, steps, tf_keras)
    model.optimizer.build(model.trainable_variables)
    features, labels = held_out_of(data, options)
    assert options.checkpoints is not None
    options.checkpoints.mkdir(parents=True, exist_ok=True)
    tf_keras.utils.SidecarEvaluator(
        model,
        _batches(features, labels),
        checkpoint_dir=str(options.checkpoints),
        # Checkpoints have the number of their step.
        max_evaluations=steps,
        callbacks=_callbacks(options, model, tf_keras),
    ).start()
    return nothing_to_tell(0, steps, time.perf_counter() - begin)


def _batches(features: Any, labels: Any) -> Any:
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices((features, labels))
    return rows.batch(EVALUATION_ROWS).cache()


def _callbacks(options: FitOptions, model: Any, keras: Any) -> list[Any]:
    callbacks = []
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
