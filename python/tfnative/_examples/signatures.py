# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which signatures of a model can classify, and which can regress.

The names of outputs are those of
tensorflow/python/saved_model/signature_constants.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    import numpy as np

    from tfnative._examples.model import ExamplesModel
    from tfnative._signature import Signature, TensorSpec

CLASSES, SCORES = "classes", "scores"
REGRESSIONS = "outputs"
DEFAULT_SIGNATURE = "serving_default"

Method = Literal["classify", "regress"]


def find_signature(model: ExamplesModel, name: str | None, method: Method) -> Signature:
    """The signature of that name, or else the one that can do it.

    Raises:
        InvalidArgumentError: There is none, or there are several.
    """
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


def _require(model: ExamplesModel, signature: Signature, method: Method) -> Signature:
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
