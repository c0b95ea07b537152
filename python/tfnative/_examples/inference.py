# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Classify, regress, and both at once, as TensorFlow Serving's calls of these names.

The names of inputs and outputs are those of
tensorflow/python/saved_model/signature_constants.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from tfnative._examples.inputs import as_inputs
from tfnative._examples.results import Classifications
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._model.model import Model
    from tfnative._model.signature import Signature, TensorSpec

CLASSES, SCORES = "classes", "scores"
REGRESSIONS = "outputs"
DEFAULT_SIGNATURE = "serving_default"

Method = Literal["classify", "regress"]


def classify(
    model: Model,
    examples: Any,
    *,
    signature: str | None,
    labels: str | Sequence[str] | None,
    context: Mapping[str, Any] | None,
) -> Classifications:
    """See ``Model.classify``."""
    found = _find(model, signature, "classify")
    outputs = _predict(model, found, examples, context)
    return _classifications(model, found, outputs, labels)


def regress(
    model: Model,
    examples: Any,
    *,
    signature: str | None,
    context: Mapping[str, Any] | None,
) -> npt.NDArray[Any]:
    """See ``Model.regress``."""
    found = _find(model, signature, "regress")
    return _regressions(model, found, _predict(model, found, examples, context))


def multi_inference(
    model: Model,
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
    found = {name: _find(model, name, method) for name, method in tasks.items()}
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
            _classifications(model, found[name], of, None)
            if method == "classify"
            else _regressions(model, found[name], of)
        )
    return results


# --- Signatures -----------------------------------------------------------------------


def _find(model: Model, name: str | None, method: Method) -> Signature:
    """The signature of that name, or else the one that can do it."""
    if name is not None:
        return _require(model, model.signature(name), method)
    # Those whose outputs are named for it come first, and of them the default one.
    for can in (_is_for, _can):
        able = [found for found in model.signatures.values() if can(found, method)]
        for found in able:
            if found.name == DEFAULT_SIGNATURE or len(able) == 1:
                return found
        if able:
            raise InvalidArgumentError(
                f"{model.name}: expected the name of a signature to {method} with, of"
                f" {', '.join(found.name for found in able)}"
            )
    raise InvalidArgumentError(
        f"{model.name}: no signature can {method}: {_wanted(method)}"
    )


def _require(model: Model, signature: Signature, method: Method) -> Signature:
    if _can(signature, method):
        return signature
    raise InvalidArgumentError(
        f"{model.name}, signature {signature.name!r} cannot {method}:"
        f" {_wanted(method)}, got {', '.join(signature.outputs)}"
    )


def _wanted(method: Method) -> str:
    if method == "classify":
        return f"expected outputs {CLASSES!r} and {SCORES!r}, or one (rows, classes)"
    return f"expected an output {REGRESSIONS!r}, or one with a number for each row"


def _is_for(signature: Signature, method: Method) -> bool:
    """Whether its outputs are named for it."""
    names = signature.outputs.keys()
    if method == "classify":
        return bool(names) and names <= {CLASSES, SCORES}
    return names == {REGRESSIONS}


def _can(signature: Signature, method: Method) -> bool:
    if _is_for(signature, method):
        return True
    other: Method = "regress" if method == "classify" else "classify"
    if _is_for(signature, other) or len(signature.outputs) != 1:
        return False
    (spec,) = signature.outputs.values()
    return _is_scores(spec) if method == "classify" else _is_regressions(spec)


def _is_scores(spec: TensorSpec) -> bool:
    is_table = spec.shape is None or len(spec.shape) == 2
    return is_table and _is_float(spec.dtype)


def _is_regressions(spec: TensorSpec) -> bool:
    is_column = spec.shape is None or spec.shape[1:] in ((), (1,), (-1,))
    return is_column and spec.shape != () and _is_float(spec.dtype)


def _is_float(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "f" or dtype.name == "bfloat16"


# --- Outputs --------------------------------------------------------------------------


def _predict(
    model: Model,
    signature: Signature,
    examples: Any,
    context: Mapping[str, Any] | None,
) -> dict[str, npt.NDArray[Any]]:
    inputs = as_inputs(signature, examples, context)
    outputs: dict[str, npt.NDArray[Any]]
    outputs = model.predict(inputs, signature=signature.name)
    return outputs


def _classifications(
    model: Model,
    signature: Signature,
    outputs: Mapping[str, npt.NDArray[Any]],
    labels: str | Sequence[str] | None,
) -> Classifications:
    where = f"{model.name}, signature {signature.name!r}"
    classes = outputs.get(CLASSES)
    scores = outputs.get(SCORES)
    if classes is None and scores is None:
        (scores,) = outputs.values()
    for name, table in ((CLASSES, classes), (SCORES, scores)):
        if table is not None and table.ndim != 2:
            raise InvalidArgumentError(
                f"{where}: expected {name} (rows, classes), got {table.shape}"
            )
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise InvalidArgumentError(
            f"{where}: expected as many classes as scores, got {classes.shape} and"
            f" {scores.shape}"
        )
    count = (classes if scores is None else scores).shape[1]  # type: ignore[union-attr]
    if labels is not None:
        return Classifications(_labels(model, labels, count), scores)
    if classes is not None:
        return Classifications(_text(classes), scores)
    return Classifications(_labels_of_assets(model, count), scores)


def _regressions(
    model: Model, signature: Signature, outputs: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    (found,) = outputs.values()
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise InvalidArgumentError(
            f"{model.name}, signature {signature.name!r}: expected a number for each"
            f" row, got {found.shape}"
        )
    return found


def _text(classes: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Labels as str; those that are numbers, as their digits."""
    found = np.empty(classes.shape, object)
    flat = classes.ravel().tolist()
    found.ravel()[:] = [
        label.decode(errors="replace") if isinstance(label, bytes) else str(label)
        for label in flat
    ]
    return found


def _labels(
    model: Model, labels: str | Sequence[str], count: int
) -> npt.NDArray[np.object_]:
    """Those that the caller gave, or named a file of."""
    if isinstance(labels, str):
        path = model.assets.get(labels)
        if path is None:
            raise InvalidArgumentError(
                f"{model.name} has no asset {labels!r}: expected one of"
                f" {', '.join(model.assets) or 'none'}"
            )
        labels = _lines(path.read_text(encoding="utf-8"))
    if len(labels) != count:
        raise InvalidArgumentError(
            f"{model.name}: expected {count} labels, one for each class, got"
            f" {len(labels)}"
        )
    return np.array([str(label) for label in labels], object)


def _labels_of_assets(model: Model, count: int) -> npt.NDArray[np.object_] | None:
    """The lines of the only text file among the assets that has one for each class."""
    found = []
    for path in model.assets.values():
        try:
            lines = _lines(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
        if len(lines) == count:
            found.append(np.array(lines, object))
    return found[0] if len(found) == 1 else None


def _lines(text: str) -> list[str]:
    return text.splitlines()
