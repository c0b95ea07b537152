# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The REST API in the form of https://spec.openapis.org/oas/v3.1.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfnative._version import __version__
from tfnative.serving.rest_form import CODES
from tfnative.serving.types import ServingState

Json = dict[str, Any]

_OF_MODELS = {
    "": ("Model",),
    "/versions/{version}": ("Model", "Version"),
    "/labels/{label}": ("Model", "Label"),
}
"""What follows a model's path, and its parameters."""

_UNAUTHENTICATED = {401: "The server asks for a token, and got none that it knows."}
_ERRORS = {
    **_UNAUTHENTICATED,
    400: "The request is malformed, or does not fit the model.",
    404: "There is no such model, version, label or file.",
    412: "The version is not available now.",
    429: "The server holds too many requests at this moment; try again.",
    500: "The server has made a mistake, or compiled code has failed.",
    501: "The model does not support the call.",
    503: "The queue is full, or the server ends; try again.",
    504: "It took too long.",
}
_BODY_ERRORS = {
    408: "The body comes too slowly.",
    413: "The body is too large, as it comes or unfolded.",
    415: "The body is compressed with something else than gzip.",
}


def description() -> Json:
    """All of it: the same for all servers of this version."""
    paths: Json = {}
    for suffix, parameters in _OF_MODELS.items():
        path = f"/v1/models/{{model}}{suffix}"
        paths[path] = _get("Where versions stand", parameters, _ref("Status"))
        paths[f"{path}/metadata"] = _get("Signatures", parameters, _ref("Metadata"))
        for verb, (what, asked, given) in _VERBS.items():
            paths[f"{path}:{verb}"] = _post(what, parameters, _ref(asked), given)
    text = {"text/plain": {"schema": {"type": "string"}}}
    for path in ("/metrics", "/monitoring/prometheus/metrics"):
        scraped = {"200": _said(text), **_errors(_UNAUTHENTICATED)}
        paths[path] = {"get": _operation("For Prometheus", (), scraped)}
    paths["/openapi.json"] = _get("This description", (), {"type": "object"})
    paths |= _probes(text)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tfnative serve",
            "version": __version__,
            "description": "TensorFlow Serving's REST API",
        },
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": _SCHEMAS,
            "parameters": _PARAMETERS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _probes(text: Json) -> Json:
    """Whether it lives and is ready, which is answered without a token."""
    lives = {"200": _said(text, "It does")}
    is_ready = {"200": _said(text, "It is"), "503": _said(text, "Not now")}
    errors = {status: what for status, what in _ERRORS.items() if status != 401}
    probes = {
        "/healthz": _operation("Whether the process lives", (), lives),
        "/livez": _operation("Whether the process lives", (), lives),
        "/readyz": _operation("Whether all models take requests", (), is_ready),
    }
    for suffix, parameters in _OF_MODELS.items():
        probes[f"/v1/models/{{model}}{suffix}/readyz"] = _operation(
            "Whether it takes requests", parameters, {**_errors(errors), **is_ready}
        )
    return {path: {"get": {**each, "security": []}} for path, each in probes.items()}


def _ref(name: str, kind: str = "schemas") -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _said(content: Json, what: str = "The answer") -> Json:
    return {"description": what, "content": content}


def _object(**properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _operation(what: str, parameters: tuple[str, ...], responses: Json) -> Json:
    referred = [_ref(name, "parameters") for name in parameters]
    return {"summary": what, "parameters": referred, "responses": responses}


def _get(what: str, parameters: tuple[str, ...], given: Json) -> Json:
    errors = _errors(_ERRORS if parameters else _UNAUTHENTICATED)
    responses = {"200": _said(_json(given)), **errors}
    return {"get": _operation(what, parameters, responses)}


def _post(what: str, parameters: tuple[str, ...], asked: Json, given: Json) -> Json:
    responses = {"200": _said(_json(given)), **_errors({**_ERRORS, **_BODY_ERRORS})}
    operation = _operation(what, parameters, responses)
    return {
        "post": {
            **operation,
            "requestBody": {"required": True, "content": _json(asked)},
        }
    }


def _errors(statuses: Mapping[int, str]) -> Json:
    content = _json(_ref("Error"))
    return {str(s): _said(content, what) for s, what in sorted(statuses.items())}


_TEXT: Json = {"type": "string"}
_INTEGER_TEXT: Json = {"type": "string", "pattern": "^-?[0-9]+$"}
_SIGNATURE: Json = {
    "type": ["string", "null"],
    "description": "Default: serving_default, or the only signature.",
}
_TENSOR: Json = {
    "description": "Lists of equal lengths, as deep as the tensor has dimensions.",
    "anyOf": [
        {"type": ["number", "boolean", "string"]},
        _ref("Bytes"),
        {"type": "array", "items": _ref("Tensor")},
    ],
}
_TENSORS: Json = {"type": "object", "additionalProperties": _ref("Tensor")}
_TENSOR_OR_TENSORS: Json = {"anyOf": [_ref("Tensor"), _TENSORS]}
_FEATURES: Json = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [
            _ref("Value"),
            {"type": "array", "items": _ref("Value")},
        ]
    },
}

_SCHEMAS: Json = {
    "Error": _object(error=_TEXT),
    "Bytes": {**_object(b64=_TEXT), "additionalProperties": False},
    "Value": {"anyOf": [{"type": ["number", "boolean", "string"]}, _ref("Bytes")]},
    "Tensor": _TENSOR,
    "Predict": {
        "oneOf": [
            {
                "type": "object",
                "description": "The row format: an object or a value for each row.",
                "properties": {
                    "signature_name": _SIGNATURE,
                    "instances": {"type": "array", "items": _TENSOR_OR_TENSORS},
                },
                "required": ["instances"],
                "not": {"required": ["inputs"]},
            },
            {
                "type": "object",
                "description": "The column format: a tensor for each input.",
                "properties": {
                    "signature_name": _SIGNATURE,
                    "inputs": _TENSOR_OR_TENSORS,
                },
                "required": ["inputs"],
                "not": {"required": ["instances"]},
            },
        ]
    },
    "Predictions": {
        "oneOf": [
            _object(predictions={"type": "array", "items": _TENSOR_OR_TENSORS}),
            _object(outputs=_TENSOR_OR_TENSORS),
        ]
    },
    "Examples": {
        "type": "object",
        "properties": {
            "signature_name": _SIGNATURE,
            "examples": {"type": "array", "items": _FEATURES, "minItems": 1},
            "context": {"anyOf": [_FEATURES, {"type": "null"}]},
        },
        "required": ["examples"],
    },
    "Classifications": _object(
        results={
            "type": "array",
            "items": {
                "type": "array",
                "items": {
                    "type": "array",
                    "prefixItems": [_TEXT, {"type": "number"}],
                    "minItems": 2,
                    "maxItems": 2,
                },
            },
        }
    ),
    "Regressions": _object(results={"type": "array", "items": {"type": "number"}}),
    "Status": _object(
        model_version_status={
            "type": "array",
            "items": _object(
                version=_INTEGER_TEXT,
                state={"enum": [str(state) for state in ServingState]},
                status=_object(error_code={"enum": list(CODES)}, error_message=_TEXT),
            ),
        }
    ),
    "Metadata": _object(
        model_spec=_object(name=_TEXT, signature_name=_TEXT, version=_INTEGER_TEXT),
        metadata=_object(
            signature_def=_object(
                signature_def={
                    "type": "object",
                    "description": "SignatureDef messages by name, as JSON.",
                    "additionalProperties": {"type": "object"},
                }
            )
        ),
    ),
}
_NAME: Json = {"type": "string", "minLength": 1}
_NUMBER: Json = {"type": "integer", "minimum": 0, "maximum": (1 << 63) - 1}
_PARAMETERS: Json = {
    "Model": {"name": "model", "in": "path", "required": True, "schema": _NAME},
    "Version": {"name": "version", "in": "path", "required": True, "schema": _NUMBER},
    "Label": {"name": "label", "in": "path", "required": True, "schema": _NAME},
}

_VERBS = {
    "predict": ("Outputs of a signature", "Predict", _ref("Predictions")),
    "classify": ("Classes of examples", "Examples", _ref("Classifications")),
    "regress": ("A number for each example", "Examples", _ref("Regressions")),
}
