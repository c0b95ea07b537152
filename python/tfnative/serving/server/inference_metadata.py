# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the Open Inference Protocol says of a server and of its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfnative._signature import TensorSpec
from tfnative._version import __version__
from tfnative.serving.server.inference_tensors import datatype_of
from tfnative.serving.server.service import Service
from tfnative.serving.types import ModelSpec, ServingState

EXTENSIONS = ("binary_tensor_data",)
PLATFORM = "tfnative"


def server_metadata() -> dict[str, Any]:
    """The name, the version and the extensions of the server."""
    return {
        "name": PLATFORM,
        "version": __version__,
        "extensions": list(EXTENSIONS),
    }


def model_metadata(service: Service, spec: ModelSpec) -> dict[str, Any]:
    """A model's versions, and the inputs and outputs of its default signature.

    Sizes that are not known are -1; so is the shape of a tensor of unknown rank.

    Raises:
        NotFoundError: There is no such model or version.
        FailedPreconditionError: It is not available.
        UnimplementedError: It has tensors that the protocol does not have.
    """
    signature = service.signature(spec)
    if spec.version is None and spec.label is None:
        statuses = service.status(spec)
        found = [s.version for s in statuses if s.state == ServingState.AVAILABLE]
    else:
        found = [service.metadata(spec)[0]]
    return {
        "name": spec.name,
        "versions": [str(version) for version in sorted(found)],
        "platform": PLATFORM,
        "inputs": _tensors(signature.inputs),
        "outputs": _tensors(signature.outputs),
    }


def _tensors(specs: Mapping[str, TensorSpec]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "datatype": datatype_of(name, spec.dtype),
            "shape": [-1] if spec.shape is None else list(spec.shape),
        }
        for name, spec in specs.items()
    ]
