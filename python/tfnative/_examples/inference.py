# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Classify, regress, and both at once, as TensorFlow Serving's calls of these names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from tfnative._examples.inputs import as_inputs
from tfnative._examples.outputs import classifications, regressions
from tfnative._examples.results import Classifications
from tfnative._examples.signatures import Method, find_signature
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._examples.model import ExamplesModel
    from tfnative._signature import Signature


def classify(
    model: ExamplesModel,
    examples: Any,
    *,
    signature: str | None,
    labels: str | Sequence[str] | None,
    context: Mapping[str, Any] | None,
) -> Classifications:
    """See ``Model.classify``."""
    found = find_signature(model, signature, "classify")
    outputs = _predict(model, found, examples, context)
    return classifications(model, found, outputs, labels)


def regress(
    model: ExamplesModel,
    examples: Any,
    *,
    signature: str | None,
    context: Mapping[str, Any] | None,
) -> npt.NDArray[Any]:
    """See ``Model.regress``."""
    found = find_signature(model, signature, "regress")
    return regressions(model, found, _predict(model, found, examples, context))


def multi_inference(
    model: ExamplesModel,
    examples: Any,
    tasks: Mapping[str, Method],
    *,
    context: Mapping[str, Any] | None,
) -> dict[str, Classifications | npt.NDArray[Any]]:
    """See ``Model.multi_inference``."""
    for name, method in tasks.items():
        if method not in ("classify", "regress"):
            raise InvalidArgumentError(
                f"{model.name}: {name!r}: expected 'classify' or 'regress', got"
                f" {method!r}"
            )
    found = {
        name: find_signature(model, name, method) for name, method in tasks.items()
    }
    if not found:
        return {}
    first, *others = found.values()
    for other in others:
        if other.inputs != first.inputs:
            raise InvalidArgumentError(
                f"{model.name}: signatures {first.name!r} and {other.name!r} have other"
                " inputs: expected signatures that take the same"
            )
    inputs = as_inputs(first, examples, context)
    outputs = model._predict_signatures(list(found), inputs)
    results: dict[str, Classifications | npt.NDArray[Any]] = {}
    for (name, method), of in zip(tasks.items(), outputs, strict=True):
        results[name] = (
            classifications(model, found[name], of, None)
            if method == "classify"
            else regressions(model, found[name], of)
        )
    return results


def _predict(
    model: ExamplesModel,
    signature: Signature,
    examples: Any,
    context: Mapping[str, Any] | None,
) -> dict[str, npt.NDArray[Any]]:
    inputs = as_inputs(signature, examples, context)
    outputs: dict[str, npt.NDArray[Any]]
    outputs = model.predict(inputs, signature=signature.name)
    return outputs
