# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in Beam's RunInference.

https://beam.apache.org/documentation/ml/about-ml/
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from tfnative._backends.load import load
from tfnative._backends.options import LoadOptions
from tfnative._model import Model
from tfnative.errors import InvalidArgumentError

__all__ = ["NativeModelHandler"]

Row = Mapping[str, Any] | npt.NDArray[Any]
"""A row: an array for each input, without the dimension of the rows; or the one array
of a signature with one input."""


class NativeModelHandler(ModelHandler[Row, PredictionResult, Model]):  # type: ignore[misc]
    """Predicts rows with a compiled model, for ``RunInference``.

    ::

        rows | RunInference(KeyedModelHandler(NativeModelHandler("build/digits")))

    Beam gathers rows into batches. A result has the row as ``example``, a dict of
    arrays without the dimension of the rows as ``inference``, or the array where there
    is one output, and the model's name as ``model_id``. Beam counts batches, rows,
    bytes and seconds under the namespace ``tfnative_<name>``.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        signature: str | None = None,
        threads: int = 1,
        **batching: Any,
    ) -> None:
        """Notes what to load; a worker loads it.

        Args:
            model: The folder of a compiled model, which all workers have.
            signature: The signature's name.
            threads: That predict.
            batching: What Beam's ``ModelHandler`` takes, as ``max_batch_size``. A
                ``large_model`` is not needed to share weights among the processes of a
                worker: they are mapped.
        """
        super().__init__(**batching)
        self._path = os.fspath(model)
        self._signature = signature
        self._options = LoadOptions(threads=threads)

    def load_model(self) -> Model:
        """Loads it, in a worker. Raises what ``load`` does."""
        return load(self._path, options=self._options)

    def run_inference(
        self,
        batch: Sequence[Row],
        model: Model,
        inference_args: Mapping[str, Any] | None = None,
    ) -> Iterable[PredictionResult]:
        """Predicts the rows of a batch, in one call.

        Args:
            batch: Rows.
            model: As ``load_model`` gives it.
            inference_args: There are none.

        Raises:
            InvalidArgumentError: A row does not fit: says which input, what came, and
                what was expected.
        """
        if inference_args:
            raise InvalidArgumentError(
                f"a compiled model has no inference_args, got {dict(inference_args)}"
            )
        if not batch:
            return []
        signature = model.signature(self._signature)
        names = list(signature.inputs)
        columns = {name: [_part(row, name, names) for row in batch] for name in names}
        inputs = {
            name: _stacked(name, values, signature.inputs[name])
            for name, values in columns.items()
        }
        outputs = model.predict(inputs, signature=signature.name)
        single = next(iter(outputs)) if len(outputs) == 1 else None
        return [
            PredictionResult(
                example=row,
                inference=outputs[single][place]
                if single is not None
                else {name: array[place] for name, array in outputs.items()},
                model_id=model.name,
            )
            for place, row in enumerate(batch)
        ]

    def get_num_bytes(self, batch: Sequence[Row]) -> int:
        """Of the arrays of a batch."""
        return sum(
            np.asarray(value).nbytes
            for row in batch
            for value in (row.values() if isinstance(row, Mapping) else [row])
        )

    def get_metrics_namespace(self) -> str:
        """What Beam calls the counters of this model."""
        return f"tfnative_{os.path.basename(os.path.normpath(self._path))}"

    def validate_inference_args(self, inference_args: Any) -> None:
        """They are looked at with the first batch."""


def _part(row: Row, name: str, names: Sequence[str]) -> Any:
    if not isinstance(row, Mapping):
        if len(names) != 1:
            raise InvalidArgumentError(
                "a row is one array, expected a dict with "
                + ", ".join(map(repr, names))
            )
        return row
    if set(row) != set(names):
        raise InvalidArgumentError(
            f"a row has {', '.join(map(repr, row)) or 'nothing'}, expected "
            + ", ".join(map(repr, names))
        )
    return row[name]


def _stacked(name: str, values: Sequence[Any], spec: Any) -> npt.NDArray[Any]:
    """The rows of an input; says which of them does not fit."""
    sizes = (spec.shape or (-1,))[1:]
    found = []
    for place, value in enumerate(values):
        array = np.asarray(value, dtype=object if spec.dtype.kind == "O" else None)
        shape = array.shape
        if len(shape) != len(sizes) or any(
            want not in (-1, have) for want, have in zip(sizes, shape, strict=True)
        ):
            raise InvalidArgumentError(
                f"row {place} of a batch: input {name!r} has the shape {shape}, "
                f"expected {sizes}"
            )
        found.append(array)
    try:
        return np.stack(found)
    except ValueError as error:
        raise InvalidArgumentError(
            f"input {name!r}: rows of a batch have different shapes: {error}"
        ) from None
