# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Bodies of the REST API that a server writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._base.wire import Buffer
from tfnative._core import write_json, write_json_rows
from tfnative._examples.results import Classifications
from tfnative._signature import Signature
from tfnative.errors import InvalidArgumentError, code_of
from tfnative.serving.json_tensors import (
    bytes_to_json,
    dump,
    text_to_json,
    to_json,
)
from tfnative.serving.rest_form import CODES
from tfnative.serving.server.replies import load_error_text
from tfnative.serving.signatures import definition_of
from tfnative.serving.types import Outputs, ServedVersion

BYTES_SUFFIX = "_bytes"
"""Outputs whose names end so are in base64; of others, strings that are no text are."""


def predictions(outputs: Outputs) -> list[Buffer]:
    """The answer in the row format, in parts: an object for each row, or a value.

    Raises:
        InvalidArgumentError: Outputs have different numbers of rows.
    """
    counts = {array.shape[0] if array.ndim else None for array in outputs.values()}
    if None in counts or len(counts) != 1:
        raise InvalidArgumentError(
            "outputs have different numbers of rows: ask with 'inputs'"
        )
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        rows: Buffer = _written(name, array)
    elif any(array.dtype.kind in "OSU" for array in outputs.values()):
        lists = {name: _as_lists(name, array) for name, array in outputs.items()}
        (count,) = counts
        rows = dump(
            [{name: lists[name][i] for name in lists} for i in range(count or 0)]
        )
    else:
        names = [json.dumps(name) for name in outputs]
        rows = write_json_rows(names, list(map(_plain, outputs.values()))).data
    return [b'{"predictions":', rows, b"}"]


def columns(outputs: Outputs) -> list[Buffer]:
    """The answer in the column format, in parts: an array for each output, or one."""
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        return [b'{"outputs":', _written(name, array), b"}"]
    parts: list[Buffer] = [b'{"outputs":{']
    for index, (name, array) in enumerate(outputs.items()):
        head = f"{',' if index else ''}{json.dumps(name)}:"
        parts += [head.encode(), _written(name, array)]
    return [*parts, b"}}"]


def regressions(values: npt.NDArray[Any]) -> list[Buffer]:
    """The answer to a regress call, in parts."""
    return [b'{"results":', _written("results", values), b"}"]


def _written(name: str, array: npt.NDArray[Any]) -> Buffer:
    if array.dtype.kind in "OSU":
        return dump(_as_lists(name, array))
    return write_json(_plain(array)).data


def _plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Numbers of a type that JSON has."""
    if array.dtype.kind == "c":
        raise InvalidArgumentError(f"JSON has no {array.dtype.name}")
    if array.dtype.name in ("bfloat16", "float16"):
        array = array.astype(np.float32)
    return np.ascontiguousarray(array).reshape(array.shape)


def _as_lists(name: str, array: npt.NDArray[Any]) -> Any:
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
