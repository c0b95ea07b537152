# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Bodies of the REST API: what a server reads and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from tfnative._examples.results import Classifications
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import InvalidArgumentError, code_of
from tfnative.serving.json_tensors import (
    bytes_to_json,
    from_json,
    text_to_json,
    to_json,
)
from tfnative.serving.rest_form import CODES
from tfnative.serving.server.replies import load_error_text
from tfnative.serving.signatures import definition_of
from tfnative.serving.types import Outputs, ServedVersion

BYTES_SUFFIX = "_bytes"
"""Outputs whose names end so are written in base64, others as text."""


# --- Read -----------------------------------------------------------------------------


def inputs(
    body: Mapping[str, Any], signature: Signature
) -> tuple[bool, dict[str, npt.NDArray[Any]]]:
    """Whether a request is in the row format, and its inputs.

    Raises:
        InvalidArgumentError: It has both ``instances`` and ``inputs``, or neither; or
            they are not those of the signature.
    """
    if ("instances" in body) == ("inputs" in body):
        raise InvalidArgumentError(
            "Request must have either 'instances' or 'inputs' in its JSON"
        )
    if "instances" in body:
        return True, _of_rows(body["instances"], signature)
    return False, _of_columns(body["inputs"], signature)


def _of_rows(rows: Any, signature: Signature) -> dict[str, npt.NDArray[Any]]:
    if not isinstance(rows, list) or not rows:
        raise InvalidArgumentError(
            "'instances' must be a list with rows: ask with 'inputs' for none of them"
        )
    specs = signature.inputs
    if all(_is_named(row) for row in rows):
        names = rows[0].keys()
        if names != specs.keys() or any(row.keys() != names for row in rows):
            raise InvalidArgumentError(
                f"'instances': expected the inputs {', '.join(specs)} in each, got"
                f" {', '.join(names)}"
            )
        columns = {name: [row[name] for row in rows] for name in names}
    elif len(specs) == 1:
        columns = {next(iter(specs)): rows}
    else:
        raise InvalidArgumentError(
            f"'instances': expected objects with the inputs {', '.join(specs)}"
        )
    return {name: _array(columns[name], specs[name]) for name in columns}


def _of_columns(columns: Any, signature: Signature) -> dict[str, npt.NDArray[Any]]:
    specs = signature.inputs
    if not _is_named(columns):
        if len(specs) != 1:
            raise InvalidArgumentError(
                f"'inputs': expected an object with {', '.join(specs)}"
            )
        columns = {next(iter(specs)): columns}
    if columns.keys() != specs.keys():
        raise InvalidArgumentError(
            f"'inputs': expected {', '.join(specs)}, got {', '.join(columns) or 'none'}"
        )
    return {name: _array(columns[name], specs[name]) for name in columns}


def _is_named(value: Any) -> bool:
    """An object with tensors by name; ``{"b64": ...}`` is a string."""
    return isinstance(value, dict) and value.keys() != {"b64"}


def _array(value: Any, spec: TensorSpec) -> npt.NDArray[Any]:
    found = from_json(value, spec.dtype, f"input {spec.name!r}")
    if spec.shape is not None and found.size == 0:
        missing = spec.shape[found.ndim :]
        found = found.reshape(*found.shape, *(max(0, size) for size in missing))
    return found


def examples(
    body: Mapping[str, Any],
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The examples of a request, and the features that they share."""
    found = body.get("examples")
    if not isinstance(found, list) or not found:
        raise InvalidArgumentError("'examples' must be a list with objects")
    context = body.get("context")
    if context is not None and not isinstance(context, dict):
        raise InvalidArgumentError("'context' must be an object")
    shared = None if context is None else _features(context)
    return [_features(one) for one in found], shared


def _features(example: Any) -> dict[str, Any]:
    if not isinstance(example, dict):
        raise InvalidArgumentError("'examples' must be a list with objects")
    return {
        name: from_json(value, None, f"feature {name!r}")
        for name, value in example.items()
    }


# --- Write ----------------------------------------------------------------------------


def rows(outputs: Outputs) -> list[Any]:
    """The row format: an object for each row, or a value where there is one output.

    Raises:
        InvalidArgumentError: Outputs have different numbers of rows.
    """
    counts = {array.shape[0] if array.ndim else None for array in outputs.values()}
    if None in counts or len(counts) != 1:
        raise InvalidArgumentError(
            "outputs have different numbers of rows: ask with 'inputs'"
        )
    written = {name: _written(name, array) for name, array in outputs.items()}
    if len(written) == 1:
        return list(*written.values())
    (count,) = counts
    return [{name: w[i] for name, w in written.items()} for i in range(count or 0)]


def columns(outputs: Outputs) -> Any:
    """The column format: an array for each output, or one where there is one."""
    written = {name: _written(name, array) for name, array in outputs.items()}
    if len(written) == 1:
        return next(iter(written.values()))
    return written


def _written(name: str, array: npt.NDArray[Any]) -> Any:
    if array.dtype.kind not in "OSU":
        return to_json(array)
    write = bytes_to_json if name.endswith(BYTES_SUFFIX) else text_to_json
    return _map(array.tolist(), write)


def _map(value: Any, function: Any) -> Any:
    if isinstance(value, list):
        return [_map(each, function) for each in value]
    return function(value)


def classifications(found: Classifications) -> list[list[list[Any]]]:
    """Pairs of label and score for each row."""
    written = []
    for row in range(len(found)):
        labels = found.labels
        if labels is not None and labels.ndim == 2:
            labels = labels[row]
        scores = None if found.scores is None else found.scores[row].tolist()
        count = len(labels if scores is None else scores)  # type: ignore[arg-type]
        written.append(
            [
                [
                    "" if labels is None else labels[i],
                    0.0 if scores is None else scores[i],
                ]
                for i in range(count)
            ]
        )
    return written


def status(versions: Sequence[ServedVersion]) -> dict[str, Any]:
    """Where versions stand."""
    names = {number: name for name, number in CODES.items()}
    return {
        "model_version_status": [
            {
                "version": str(each.version),
                "state": str(each.state),
                "status": {
                    "error_code": "OK"
                    if each.error is None
                    else names.get(code_of(each.error) or 2, "UNKNOWN"),
                    "error_message": load_error_text(each.error),
                },
            }
            for each in versions
        ]
    }


def metadata(
    name: str, version: int, signatures: Mapping[str, Signature]
) -> dict[str, Any]:
    """Signatures, as messages are written as JSON."""
    from google.protobuf import json_format

    definitions = {
        key: json_format.MessageToDict(
            definition_of(signature),
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        for key, signature in signatures.items()
    }
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": definitions}},
    }
