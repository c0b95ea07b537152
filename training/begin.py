# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What every strategy does before it trains: checks, data, steps, loss, optimizer."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

from training.data import Data, open_data
from training.data.sources import KINDS
from training.errors import DataError, TrainingError
from training.export import check_output
from training.files import check_folder
from training.models import MODELS
from training.models.build import check_fits
from training.observe.jit import let_tensorflow_choose_clusters
from training.observe.watch import check_watching
from training.options import FitOptions


def prepare(options: FitOptions) -> None:
    """Refuses, before the work, what would fail after it."""
    check_watching(options)
    if options.logs:
        check_folder(options.logs, "--logs")
    if options.jit == "auto":
        let_tensorflow_choose_clusters()
    if options.output:
        check_output(options.output, overwrite=options.overwrite)
    if options.device == "gpu":
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            raise TrainingError(
                "TensorFlow sees no GPU on this machine: leave out --device gpu, or "
                'pip install "tensorflow[and-cuda]"'
            )


def open_for(options: FitOptions) -> Data:
    """The data that the options name, of which each step has a batch."""
    data = open_checked(options)
    if data.train_rows < options.batch_size:
        raise DataError(
            f"a batch of {options.batch_size} rows is more than the {data.train_rows} "
            f"rows of {data.name}: choose a smaller --batch-size"
        )
    return data


def open_checked(options: FitOptions) -> Data:
    """The data that the options name, without damaged shards if that is asked for."""
    data = open_data(options.data, options.data_folder)
    data, _ = data.reading_with(**options.reading).checked()
    return data


def check_what(options: FitOptions) -> None:
    """Refuses, before processes are started that would, what cannot be trained.

    Raises:
        DataError: The data is not there, has fewer rows than a batch, or does not fit
            the model.
    """
    check_fits(options.model, open_for(options))


def rows_of_each(options: FitOptions, count: int) -> int:
    """Rows of a step that each of ``count`` members or replicas has.

    Raises:
        DataError: They cannot have as many each.
    """
    if options.batch_size % count:
        raise DataError(
            f"{options.batch_size} rows of a step cannot be shared by {count} of "
            f"{options.strategy}: choose a --batch-size that {count} divides"
        )
    return options.batch_size // count


def order_of(options: FitOptions) -> dict[str, int]:
    """What decides which rows a step has, for `training.checkpoints.claim`."""
    return {"batch_size": options.batch_size, "seed": options.seed}


def steps_of(options: FitOptions, data: Data) -> tuple[int, int]:
    """All steps of a run, and those of an epoch."""
    per_epoch = data.train_rows // options.batch_size
    if options.steps is not None:
        return options.steps, min(per_epoch, options.steps)
    return (options.epochs or KINDS[data.name].epochs) * per_epoch, per_epoch


def device_scope(options: FitOptions) -> Any:
    """Where a single device's variables are."""
    if options.device == "gpu":
        import tensorflow as tf

        return tf.device("/GPU:0")
    return contextlib.nullcontext()


def loss_of(data: Data, target: str) -> tuple[str, str]:
    """The loss, and the metric as Keras names it."""
    if target == "input" or data.task == "regress":
        return "mean_squared_error", "mean_absolute_error"
    return "sparse_categorical_crossentropy", "accuracy"


def learning_rate_of(options: FitOptions) -> float:
    """Which the run begins with: what was asked for, or the model's own."""
    return options.learning_rate or MODELS[options.model].learning_rate


def compile_model(
    model: Any,
    options: FitOptions,
    data: Data,
    steps: int,
    keras: Any,
    optimizers: Any = None,
) -> None:
    """Gives the model its optimizer, loss and metric."""
    spec = MODELS[options.model]
    rate = keras.optimizers.schedules.CosineDecay(learning_rate_of(options), steps)
    loss, metric = loss_of(data, spec.target)
    model.compile(
        optimizer=(optimizers or keras.optimizers).Adam(rate),
        loss=loss,
        metrics=[metric],
        jit_compile=options.jit == "on",
    )


def train_dataset(data: Data, options: FitOptions, first_step: int = 0) -> Any:
    """Batches to train on, with the target that the model has."""
    batches = data.train(options.batch_size, seed=options.seed, first_step=first_step)
    return with_target(batches, options)


def with_target(batches: Any, options: FitOptions) -> Any:
    """Batches whose labels are what the model is to give: its input, of some."""
    if MODELS[options.model].target == "input":
        batches = batches.map(_with_input_as_target)
    return batches


def _with_input_as_target(features: Any, label: Any) -> Any:
    (target,) = features.values()
    return features, target


def held_out_of(data: Data, options: FitOptions) -> tuple[Any, Any]:
    """Held-out features by name, (rows, ...), and what the model is to give."""
    features, labels = data.held_out()
    if MODELS[options.model].target == "input":
        (labels,) = features.values()
    return features, labels


def keras_of(model: Any) -> Any:
    """The module that a model was built with: ``keras`` or ``tf_keras``."""
    return importlib.import_module(type(model).__module__.split(".")[0])
