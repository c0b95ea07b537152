# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Requests and responses of the REST API.

It is described in https://www.tensorflow.org/tfx/serving/api_rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from tfnative._base.text import check_text
from tfnative._base.units import format_shape
from tfnative._examples.results import Classifications
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import InternalError, InvalidArgumentError
from tfnative.serving import messages
from tfnative.serving.json_tensors import (
    from_json,
    to_json,
)
from tfnative.serving.signatures import input_dtype, signature_of
from tfnative.serving.tensors.encode import as_array
from tfnative.serving.types import (
    ModelMetadata,
    ModelSpec,
    Outputs,
    ServedVersion,
    ServingState,
)

STATUS_CODES = {
    400: 3,
    401: 7,
    403: 7,
    404: 5,
    408: 4,
    409: 9,
    412: 9,
    413: 8,
    429: 14,
    499: 1,
    500: 13,
    501: 12,
    502: 14,
    503: 14,
    504: 4,
}
"""Canonical status codes by those of HTTP."""


def model_path(spec: ModelSpec, verb: str = "") -> str:
    """The path of a model; its verb is "predict", or "/metadata", or none."""
    path = f"/v1/models/{_segment('model', spec.name)}"
    if spec.version is not None:
        path += f"/versions/{spec.version}"
    if spec.label is not None:
        path += f"/labels/{_segment('label', spec.label)}"
    return path + (verb if verb.startswith("/") or not verb else f":{verb}")


def _segment(what: str, name: str) -> str:
    """A part of a path; dots alone would be folded away, with what is before them.

    Raises:
        InvalidArgumentError: It is dots alone.
    """
    if name in (".", ".."):
        raise InvalidArgumentError(
            f"a {what} that is called {name!r} cannot be asked for over REST: ask over "
            "gRPC"
        )
    return quote(name, safe="")


# --- Predict --------------------------------------------------------------------------


def predict_body(
    spec: ModelSpec, inputs: Mapping[str, Any], signature: Signature | None = None
) -> dict[str, Any]:
    """What to send: the column format, which holds every shape.

    Args:
        spec: The model.
        inputs: Arrays by the names of inputs, or values that become what the
            signature says.
        signature: What the server says of it, if that is known.

    Raises:
        InvalidArgumentError: An input is no tensor, or one that JSON cannot hold.
    """
    body: dict[str, Any] = {}
    if spec.signature is not None:
        body["signature_name"] = spec.signature
    columns = {}
    for name, value in inputs.items():
        check_text("a name of inputs", name)
        try:
            columns[name] = to_json(as_array(value, input_dtype(signature, name)))
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"{spec}, {name!r}: {error}") from None
    return {**body, "inputs": columns}


def read_outputs(body: Any, signature: Signature, where: str) -> Outputs:
    """The outputs of a response in the column format.

    Args:
        body: JSON.
        signature: What the server says of it: JSON has neither types nor, where there
            is one output only, its name.
        where: For messages.
    """
    found = _member(body, "outputs", where)
    specs = signature.outputs
    if len(specs) == 1:
        (spec,) = specs.values()
        return {spec.name: _output(found, spec, where)}
    if not isinstance(found, dict) or found.keys() != specs.keys():
        raise InternalError(
            f"{where}: expected the outputs {', '.join(specs)}, got {_shape_of(found)}"
        )
    return {name: _output(found[name], specs[name], where) for name in found}


def _output(value: Any, spec: TensorSpec, where: str) -> npt.NDArray[Any]:
    try:
        found = from_json(value, spec.dtype, f"{where}, {spec.name!r}")
    except InvalidArgumentError as error:
        raise InternalError(str(error)) from None
    if spec.shape is not None and found.size == 0:
        # Lists do not say how long those are that would be in them.
        missing = spec.shape[found.ndim :]
        found = found.reshape(*found.shape, *(max(0, size) for size in missing))
    if spec.shape is not None and not _fits(found.shape, spec.shape):
        raise InternalError(
            f"{where}, {spec.name!r}: expected the shape "
            f"{format_shape(spec.shape)}, got {format_shape(found.shape)}"
        )
    return found


def _fits(shape: Sequence[int], expected: Sequence[int]) -> bool:
    return len(shape) == len(expected) and all(
        size in (-1, own) for own, size in zip(shape, expected, strict=True)
    )


# --- Examples -------------------------------------------------------------------------


def examples_body(
    spec: ModelSpec,
    examples: Sequence[Mapping[str, Any]],
    context: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What to send: features as JSON."""
    body: dict[str, Any] = {}
    if spec.signature is not None:
        body["signature_name"] = spec.signature
    if context:
        body["context"] = _features(context)
    return {**body, "examples": [_features(example) for example in examples]}


def _features(example: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in example.items():
        array = as_array(value)
        json = to_json(array.ravel() if array.ndim > 1 else array)
        found[name] = json
    return found


def read_classifications(body: Any, where: str) -> Classifications:
    """From the response to a classify call: pairs of label and score for each row."""
    rows = _member(body, "results", where)
    try:
        labels = np.array([[str(c[0]) for c in row] for row in rows], object)
        scores = np.array([[float(c[1]) for c in row] for row in rows], np.float32)
    except (TypeError, ValueError, LookupError):
        raise InternalError(f"{where}: the results are no labels and scores") from None
    if labels.ndim != 2:
        labels, scores = labels.reshape(len(rows), -1), scores.reshape(len(rows), -1)
    return Classifications(labels if any(labels.flat) else None, scores)


def read_regressions(body: Any, where: str) -> npt.NDArray[np.float32]:
    """From the response to a regress call."""
    rows = _member(body, "results", where)
    try:
        return np.array([float(value) for value in rows], np.float32)
    except (TypeError, ValueError):
        raise InternalError(f"{where}: the results are no numbers") from None


# --- Models ---------------------------------------------------------------------------


def read_metadata(body: Any, where: str) -> ModelMetadata:
    """From the response for ``/metadata``, which is a message written as JSON."""
    from google.protobuf import json_format

    spec = _member(body, "model_spec", where)
    packed = _member(_member(body, "metadata", where), "signature_def", where)
    signatures = messages.SignatureDefMap()
    try:
        json_format.ParseDict(
            {"signature_def": _member(packed, "signature_def", where)},
            signatures,
            ignore_unknown_fields=True,
            descriptor_pool=messages.SignatureDefMap.DESCRIPTOR.file.pool,
        )
        version = int(spec.get("version") or 0)
    except (json_format.ParseError, ValueError, AttributeError) as error:
        raise InternalError(f"{where}: no metadata: {error}") from None
    definitions = signatures.signature_def
    return ModelMetadata(
        version,
        {
            name: signature_of(name, definitions[name])
            for name in sorted(definitions)
            if name != "__saved_model_init_op"
        },
    )


def read_versions(body: Any, where: str) -> tuple[ServedVersion, ...]:
    """From the response for a model, the newest version first."""
    from tfnative.serving.grpc_form import status_error

    found = []
    for each in _member(body, "model_version_status", where):
        try:
            status = each.get("status", {})
            code = str(status.get("error_code", "OK"))
            found.append(
                ServedVersion(
                    int(each["version"]),
                    _state(each.get("state")),
                    status_error(CODES.get(code, 2), status.get("error_message", "")),
                )
            )
        except (LookupError, TypeError, ValueError, AttributeError):
            raise InternalError(f"{where}: no status of a version: {each}") from None
    return tuple(sorted(found, key=lambda each: -each.version))


CODES = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}


def _state(name: Any) -> ServingState:
    try:
        return ServingState(name)
    except ValueError:
        return ServingState.UNKNOWN


def _member(body: Any, name: str, where: str) -> Any:
    if not isinstance(body, dict) or name not in body:
        raise InternalError(f"{where}: expected {name!r}, got {_shape_of(body)}")
    return body[name]


def _shape_of(body: Any) -> str:
    if isinstance(body, dict):
        return ", ".join(map(repr, body)) or "nothing"
    return type(body).__name__


def error_message(body: Any) -> str | None:
    """What a server's ``{"error": ...}`` says; None if it is no such thing."""
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, str) else None
