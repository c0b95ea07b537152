# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Signatures as a server describes them: SignatureDef messages, and their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfnative._signature import Signature, TensorSpec
from tfnative.errors import UnimplementedError
from tfnative.serving import messages
from tfnative.serving.tensors.data_types import data_type_dtype, data_type_of


def signature_of(name: str, definition: Any) -> Signature:
    """A signature from a ``SignatureDef``.

    Raises:
        UnimplementedError: A tensor is sparse or ragged, or NumPy has no such type.
    """
    inputs = _specs(name, definition.inputs)
    outputs = _specs(name, definition.outputs)
    both = [*inputs.values(), *outputs.values()]
    has_rows = all(spec.shape and spec.shape[0] == -1 for spec in both)
    return Signature(name, inputs, outputs, (), has_rows)


def input_dtype(signature: Signature | None, name: str) -> np.dtype[Any] | None:
    """What an input of a signature takes; None if nobody knows."""
    spec = None if signature is None else signature.inputs.get(name)
    return None if spec is None else spec.dtype


def definition_of(signature: Signature) -> Any:
    """A ``SignatureDef`` from a signature."""
    definition = messages.SignatureDef(method_name="tensorflow/serving/predict")
    for specs, infos in (
        (signature.inputs, definition.inputs),
        (signature.outputs, definition.outputs),
    ):
        for name, spec in specs.items():
            info = infos[name]
            info.name = f"{name}:0"
            info.dtype = data_type_of(spec.dtype)
            if spec.shape is None:
                info.tensor_shape.unknown_rank = True
                continue
            info.tensor_shape.SetInParent()
            for size in spec.shape:
                info.tensor_shape.dim.add(size=size)
    return definition


def _specs(signature: str, tensors: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {
        name: _spec(f"signature {signature!r}, {name!r}", name, tensors[name])
        for name in sorted(tensors)
    }


def _spec(where: str, name: str, info: Any) -> TensorSpec:
    encoding = info.WhichOneof("encoding")
    if encoding not in ("name", None):
        raise UnimplementedError(f"{where}: {encoding} tensors are not supported")
    try:
        dtype = data_type_dtype(info.dtype)
    except UnimplementedError as error:
        raise UnimplementedError(f"{where}: {error}") from None
    if info.tensor_shape.unknown_rank:
        return TensorSpec(name, dtype, None)
    return TensorSpec(name, dtype, tuple(dim.size for dim in info.tensor_shape.dim))
