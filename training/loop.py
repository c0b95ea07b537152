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

from training.begin import (
    compile_model,
    device_scope,
    held_out_of,
    keras_of,
    open_for,
    order_of,
    prepare,
    steps_of,
    train_dataset,
)
from training.checkpoints import Checkpoints, claim, remove_partial
from training.data import Data
from training.errors import DataError
from training.files import held
from training.finish import EVALUATION_ROWS, finish, policy
from training.models import build_model
from training.observe.debug import debugging
from training.observe.profile import check_profile
from training.observe.watch import logs_written, watching
from training.options import FitOptions, Fitted


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
    if options.checkpoints:
        claim(options.checkpoints, options.model, options.data, **order_of(options))
        remove_partial(options.checkpoints)
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
        with logs_written(options.logs), debugging(options.debug, options.logs):
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
