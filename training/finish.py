# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What follows training: evaluation on held-out rows, and the export."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data import Data
from training.errors import TrainingError
from training.export import export
from training.export.metric import measure_output
from training.models import MODELS, build_model
from training.options import FitOptions, Fitted

EVALUATION_ROWS = 256
_LARGE = 1e6
"""Of labels: squares of squares of much more have no room in float32."""


@contextlib.contextmanager
def policy(keras: Any, name: str) -> Iterator[None]:
    """Keras' policy while a model is made: which dtype its layers compute in."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def finish(
    model: Any, options: FitOptions, data: Data, keras: Any, **known: Any
) -> Fitted:
    """Evaluates on the held-out rows, and exports.

    Args:
        model: Trained; its weights are read.
        options: What was asked for.
        data: What it was trained on.
        keras: The module that the model was built with.
        **known: Fields of `Fitted`: steps, first_step, seconds and so on.

    Raises:
        TrainingError: What the model gives is not finite: it has learned nothing.
        ExportError: The model cannot be written.
    """
    model = in_float32(model, options, data, keras)
    features, labels = data.held_out()
    predicted = model.predict(features, batch_size=EVALUATION_ROWS, verbose=0)
    _check_finite(predicted, options, data)
    name = model.layers[-1].name
    metric, value = measure_output(name, predicted, features, labels)
    if options.output:
        export(model, data, options.output, options=options, keras=keras)
    return Fitted(
        model=model,
        metric=metric,
        held_out=value,
        rows=len(labels),
        not_measured=classes_without_rows(data, labels) if metric == "accuracy" else (),
        output=options.output,
        **known,
    )


def classes_without_rows(data: Data, labels: NDArray[Any]) -> tuple[str, ...]:
    """Of which no held-out row is: the accuracy says nothing of them."""
    counts = np.bincount(labels, minlength=len(data.labels))
    return tuple(data.labels[each] for each in np.flatnonzero(counts == 0))


def _check_finite(predicted: NDArray[Any], options: FitOptions, data: Data) -> None:
    """Refuses a model that gives NaN: the class of the largest would be the first."""
    finite = np.isfinite(predicted.reshape(len(predicted), -1)).all(axis=1)
    if finite.all():
        return
    rate = options.learning_rate or MODELS[options.model].learning_rate
    mean, deviation = data.index.scale
    large = max(abs(mean), deviation)
    scale = (
        f", or bring the labels, which are as large as {large:.2g}, to another scale"
        if large > _LARGE
        else ""
    )
    anew = ", with an empty folder for --checkpoints" if options.checkpoints else ""
    raise TrainingError(
        f"what the trained model gives for {np.count_nonzero(~finite)} of "
        f"{len(finite)} held-out rows is not finite, and it is not exported: train "
        f"again with a smaller --learning-rate than {rate:g}"
        f"{anew}{scale}; --debug numerics names the op that it begins with"
    )


def in_float32(model: Any, options: FitOptions, data: Data, keras: Any) -> Any:
    """The model on one device and in float32, whatever it was trained with.

    What is exported has neither the copies of a strategy nor a cast in it.
    """
    with policy(keras, "float32"):
        plain = build_model(options.model, data, keras=keras, seed=options.seed)
    plain.set_weights(model.get_weights())
    return plain
