# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What can be batched: models, and whatever predicts as they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from tfnative._backends.native.model import NativeModel
from tfnative._base.arrays import dtype_number
from tfnative._core import (
    BatchSource,
    TensorflowModel as CoreTensorflowModel,
    function_source,
    model_source,
    tensorflow_source,
)
from tfnative._model import Model
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import InvalidArgumentError


class Predictor(Protocol):
    """What can be batched beside a Model: whatever predicts as a Model does."""

    def signature(self, name: str | None = None) -> Signature:
        """As ``Model.signature``."""

    def predict(self, inputs: Any, *, signature: str | None = None) -> Any:
        """As ``Model.predict``, for a dict of arrays."""


def model_name(model: Model | Predictor) -> str:
    """What metrics call it."""
    return str(getattr(model, "name", type(model).__name__))


def batch_source(model: Model | Predictor, signature: str | None) -> BatchSource:
    """What to run on batches, as the extension module knows it.

    Raises:
        InvalidArgumentError: It is no model, and has not the methods of one; or its
            rows cannot be batched.
    """
    if isinstance(model, NativeModel):
        return model_source(model, signature)
    if isinstance(model, CoreTensorflowModel):
        return tensorflow_source(model, signature)
    try:
        found = model.signature(signature)
        predict = model.predict
    except AttributeError as error:
        raise InvalidArgumentError(
            f"expected a model, or what has its methods, got {type(model).__name__}:"
            f" {error}"
        ) from None

    _check_rows(model, found)

    def specs(tensors: Mapping[str, Any]) -> list[tuple[str, int, list[int]]]:
        return [
            (t.name, dtype_number(t.dtype, t.dtype), list(t.shape))
            for t in tensors.values()
        ]

    return function_source(
        model_name(model),
        found.name,
        specs(found.inputs),
        specs(found.outputs),
        max(found.batch_sizes, default=1),
        isinstance(model, Model),  # Which may refuse no rows.
        lambda inputs: predict(inputs, signature=found.name),
    )


def batched_tensors(model: Model | Predictor, signature: Signature) -> list[TensorSpec]:
    """Inputs and outputs of a signature, as far as batches are made of them."""
    if isinstance(model, NativeModel):
        return model._batched_tensors(signature.name)
    return [*signature.inputs.values(), *signature.outputs.values()]


def _check_rows(model: Model | Predictor, signature: Signature) -> None:
    """Whether what a model gives for rows may be divided among callers."""
    where = f"model {model_name(model)!r}, signature {signature.name!r}"
    if signature.batch_sizes and not signature.rows_independent:
        raise InvalidArgumentError(
            f"{where}: requests cannot be batched, since the rows of a batch influence "
            "each other"
        )
    for tensor in (*signature.inputs.values(), *signature.outputs.values()):
        if tensor.dtype == np.dtype(object):
            raise InvalidArgumentError(
                f"{where}: {tensor.name!r} has strings, which cannot be batched"
            )
