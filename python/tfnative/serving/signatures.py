# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Signatures as a server describes them: SignatureDef messages, and their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfnative._model import Signature, TensorSpec
from tfnative.errors import UnimplementedError
from tfnative.serving.tensors import data_type_dtype


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
