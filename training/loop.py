# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Keras' ``fit`` with what every strategy shares: data, checkpoints, evaluation."""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from training.checkpoints import Checkpoints
from training.data import Data, open_data
from training.data.sources import KINDS
from training.errors import DataError, TrainingError
from training.export import check_output
from training.files import held
from training.finish import EVALUATION_ROWS, finish, policy
from training.models import MODELS, build_model
from training.observe.debug import debugging
from training.observe.jit import let_tensorflow_choose_clusters
from training.observe.profile import check_profile
from training.observe.watch import check_watching, watching
from training.options import FitOptions, Fitted

__all__ = [
    "EVALUATION_ROWS",
    "Part",
    "compile_model",
    "device_scope",
    "finish",
    "fit_keras",
    "held_out_of",
    "keras_of",
    "learning_rate_of",
    "loss_of",
    "open_for",
    "parts_of",
    "policy",
    "prepare",
    "steps_of",
    "train_dataset",
]


def fit_keras(
    options: FitOptions,
    *,
    keras: Any = None,
    strategy: Any = None,
    optimizers: Any = None,
    arrange: Callable[[Any], Any] = lambda model: model,
) -> Fitted:
    """Trains with Keras' ``fit``, from the last checkpoint on.

    Args:
        options: What to train.
        keras: The module to use: ``keras`` by default, or ``tf_keras``.
        strategy: A ``tf.distribute.Strategy`` for several devices, or None.
        optimizers: The module that has ``Adam``: ``keras.optimizers`` by default.
        arrange: Given the model before it is compiled, returns the one to train: its
            layers have other places, or agree with those of other replicas.
    """
    prepare(options)
    alone = (
        held(options.checkpoints, "--checkpoints")
        if options.checkpoints
        else contextlib.nullcontext()
    )
    with alone:
        return _fit_alone(options, keras, strategy, optimizers, arrange)


def _fit_alone(
    options: FitOptions,
    keras: Any,
    strategy: Any,
    optimizers: Any,
    arrange: Callable[[Any], Any],
) -> Fitted:
    keras = keras or importlib.import_module("keras")
    data = open_for(options)
    steps, per_epoch = steps_of(options, data)
    scope = strategy.scope() if strategy is not None else device_scope(options)
    with scope, policy(keras, options.precision):
        model = build_model(options.model, data, keras=keras, seed=options.seed)
        model = arrange(model)
        compile_model(model, options, data, steps, keras, optimizers)
        checkpoints = (
            Checkpoints(options.checkpoints, model, keep=options.keep)
            if options.checkpoints
            else None
        )
        first = checkpoints.restore() if checkpoints else 0
    check_profile(options.profile, first, steps)
    started = time.perf_counter()
    history: dict[str, list[float]] = {}
    if first < steps:
        with debugging(options.debug, options.logs):
            history = _fit(model, options, data, (first, steps, per_epoch), checkpoints)
    seconds = time.perf_counter() - started
    return finish(
        *(model, options, data, keras),
        steps=max(first, steps),
        first_step=first,
        seconds=seconds,
        history=history,
        checkpoint=checkpoints.latest if checkpoints else None,
    )


def prepare(options: FitOptions) -> None:
    """Refuses, before the work, what would fail after it."""
    check_watching(options)
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
    """The data that the options name, without damaged shards if that is asked for."""
    data = open_data(options.data, options.data_folder)
    data = data.reading_with(**options.reading)
    data, _ = data.checked()
    if data.train_rows < options.batch_size:
        raise DataError(
            f"a batch of {options.batch_size} rows is more than the {data.train_rows} "
            f"rows of {data.name}: choose a smaller --batch-size"
        )
    return data


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


def _fit(
    model: Any,
    options: FitOptions,
    data: Data,
    steps: tuple[int, int, int],
    checkpoints: Checkpoints | None,
) -> dict[str, list[float]]:
    import tensorflow as tf

    history: dict[str, list[float]] = {}
    held_out = held_out_of(data, options)
    callbacks = _callbacks(model, options, data, steps[2], checkpoints)
    callbacks += options.callbacks
    try:
        for part in parts_of(*steps):
            done = model.fit(
                train_dataset(data, options, part.first_step),
                steps_per_epoch=part.steps,
                initial_epoch=part.first_epoch,
                epochs=part.end_epoch,
                validation_data=held_out,
                validation_batch_size=EVALUATION_ROWS,
                shuffle=False,
                callbacks=callbacks,
                verbose=options.verbose,
            )
            for name, values in done.history.items():
                history.setdefault(name, []).extend(map(float, values))
    except tf.errors.DataLossError as error:
        data.checked()  # Names the file that changed while it was read.
        raise DataError(f"data is damaged: {error.message}") from error
    except tf.errors.NotFoundError:
        data.checked()  # Names the file that was removed.
        raise
    return history


@dataclass(frozen=True)
class Part:
    """A call of Keras' ``fit``: epochs that all have as many steps."""

    first_step: int
    steps: int
    first_epoch: int
    end_epoch: int


def parts_of(first: int, last: int, per_epoch: int) -> list[Part]:
    """The rest of an epoch that was interrupted; whole epochs; the begin of a last."""
    parts = []
    while first < last:
        epoch, into = divmod(first, per_epoch)
        whole = (last - first) // per_epoch
        if into or not whole:
            steps, epochs = min(per_epoch - into, last - first), 1
        else:
            steps, epochs = per_epoch, whole
        parts.append(Part(first, steps, epoch, epoch + epochs))
        first += steps * epochs
    return parts


def held_out_of(data: Data, options: FitOptions) -> tuple[Any, Any]:
    """Held-out features by name, (rows, ...), and what the model is to give."""
    features, labels = data.held_out()
    if MODELS[options.model].target == "input":
        (labels,) = features.values()
    return features, labels


def _callbacks(
    model: Any,
    options: FitOptions,
    data: Data,
    per_epoch: int,
    checkpoints: Checkpoints | None,
) -> list[Any]:
    keras = keras_of(model)
    callbacks = watching(model, options, data, keras)
    if checkpoints:
        every = options.checkpoint_steps or per_epoch

        def on_train_batch_end(batch: int, logs: Any = None) -> None:
            if checkpoints.step % every == 0:
                checkpoints.save()

        def on_train_end(logs: Any = None) -> None:
            if checkpoints.step % every:
                checkpoints.save()

        save = keras.callbacks.LambdaCallback(
            on_train_batch_end=on_train_batch_end, on_train_end=on_train_end
        )
        callbacks.append(save)
    return callbacks


def keras_of(model: Any) -> Any:
    """The module that a model was built with: ``keras`` or ``tf_keras``."""
    return importlib.import_module(type(model).__module__.split(".")[0])
