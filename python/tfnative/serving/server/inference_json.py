# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Bodies of the Open Inference Protocol over REST, with tensors in JSON or in bytes.

https://github.com/kserve/open-inference-protocol describes JSON; the extension for
binary tensor data, with bytes after it, is described at
https://docs.nvidia.com/deeplearning/triton-inference-server.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tfnative._base.wire import Buffer
from tfnative._core import read_json, write_json
from tfnative.errors import InvalidArgumentError
from tfnative.serving import json_tensors
from tfnative.serving.json_tensors import dump, load, text_to_json
from tfnative.serving.server.inference_request import (
    MOST_NAMES,
    SIGNATURE_NAME,
    InferInputs,
    InferRequest,
    InferTensor,
    RawContent,
    WantedOutput,
    check_distinct,
    check_parameters,
)
from tfnative.serving.server.inference_tensors import Array, datatype_of, to_raw
from tfnative.serving.server.replies import MalformedRequestError
from tfnative.serving.types import ModelSpec, Outputs

LENGTH_HEADER = "Inference-Header-Content-Length"
"""How many bytes of a body are JSON, where bytes of tensors follow."""

_MOST_OTHER_BYTES = 1 << 20
"""Of a request's JSON without its inputs: Python's objects take many times more."""
_REQUEST = {SIGNATURE_NAME: str, "binary_data_output": bool}
_INPUT = {"binary_data_size": int}
_OUTPUT = {"binary_data": bool}


class JsonContent(NamedTuple):
    """Elements in JSON: an array, or a sentence that says why it is none."""

    found: Any

    def check(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        """See ``Content``."""
        found = self.found
        if isinstance(found, str):
            raise InvalidArgumentError(found)
        if not isinstance(found, np.ndarray):
            raise InvalidArgumentError("expected numbers or text")
        # In one list, or in lists of lists: the protocol has both.
        if found.shape != shape and (found.ndim != 1 or found.size != math.prod(shape)):
            raise InvalidArgumentError(
                f"'data' has the shape {found.shape}, but 'shape' is {shape}"
            )
        if found.size and (found.dtype.kind == "O") != (dtype.kind == "O"):
            if dtype.kind == "O":
                raise InvalidArgumentError("expected text or {'b64': ...}, got numbers")
            raise InvalidArgumentError(f"expected {dtype.name}, got text")

    def read(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        """See ``Content``."""
        if self.found.size == 0:
            return np.empty(0, dtype)
        flat = self.found.reshape(-1)
        if dtype.kind == "O":
            return flat  # type: ignore[no-any-return]
        try:
            return json_tensors.cast(flat, dtype)
        except (TypeError, OverflowError) as error:
            raise InvalidArgumentError(str(error)) from None


def read_request(body: memoryview, json_bytes: str | None) -> InferRequest:
    """What a body says.

    Args:
        body: All of it.
        json_bytes: The value of ``LENGTH_HEADER``; None if there is none.

    Raises:
        InvalidArgumentError: It is no such request.
        UnimplementedError: It has parameters that the server does not know.
    """
    text = body[: _json_bytes(json_bytes, len(body))]
    members = read_json(text, "inputs")
    spans = members.get("inputs")
    if not isinstance(spans, np.ndarray) or spans.ndim != 2:
        raise MalformedRequestError("'inputs' must be a list with objects")
    other = _other_members(text, spans)
    raw = _RawInputs(body[len(text) :])
    tensors = [_tensor(text[begin:end], raw) for begin, end in spans.tolist()]
    raw.check_end()
    outputs = _outputs(other.get("outputs"))
    parameters = _parameters("the request", other, _REQUEST)
    name = other.get("id", "")
    if not isinstance(name, str):
        raise MalformedRequestError("'id' must be a string")
    return InferRequest(
        name,
        parameters.get(SIGNATURE_NAME) or None,
        InferInputs(tensors, len(body)),
        outputs,
        bool(parameters.get("binary_data_output", False)),
    )


def response(
    request: InferRequest, spec: ModelSpec, outputs: Outputs
) -> tuple[list[Buffer], list[Buffer]]:
    """An answer: JSON in parts, and the bytes that follow it.

    Raises:
        UnimplementedError: The protocol has no such tensors.
    """
    head = {"model_name": spec.name, "model_version": str(spec.version)}
    if request.id:
        head["id"] = request.id
    binary = request.binary_outputs(outputs)
    parts: list[Buffer] = [dump(head)[:-1] + b',"outputs":[']
    raws: list[Buffer] = []
    for index, (name, array) in enumerate(outputs.items()):
        described: dict[str, Any] = {
            "name": name,
            "datatype": datatype_of(name, array.dtype),
            "shape": array.shape,
        }
        comma = b"," if index else b""
        if name in binary:
            raws.append(to_raw(array))
            described["parameters"] = {"binary_data_size": len(raws[-1])}
            parts.append(comma + dump(described))
        else:
            parts += [comma + dump(described)[:-1] + b',"data":', _data(array), b"}"]
    return [*parts, b"]}"], raws


def _data(array: Array) -> Buffer:
    flat = array.reshape(-1)
    if flat.dtype.kind in "OSU":
        return dump([text_to_json(value) for value in flat.tolist()])
    if flat.dtype.name in ("bfloat16", "float16"):
        flat = flat.astype(np.float32)
    return write_json(np.ascontiguousarray(flat)).data


# --- Parts of a request ---------------------------------------------------------------


def _json_bytes(header: str | None, size: int) -> int:
    if header is None:
        return size
    is_number = header.isascii() and header.isdecimal() and len(header) <= 20
    if not is_number or not 0 < int(header) <= size:
        raise MalformedRequestError(
            f"{LENGTH_HEADER}: expected a number from 1 to {size}, which is the size of"
            f" the body, got {header[:100]!r}"
        )
    return int(header)


def _other_members(text: memoryview, spans: Array) -> Mapping[str, Any]:
    """All but the inputs, of JSON that was found to be well formed."""
    if len(spans) > MOST_NAMES:
        raise MalformedRequestError(f"a request has more than {MOST_NAMES} inputs")
    begin, end = (int(spans[0, 0]), int(spans[-1, 1])) if len(spans) else (0, 0)
    size = len(text) - (end - begin)
    if size > _MOST_OTHER_BYTES:
        raise MalformedRequestError(
            f"the request has {size} bytes of JSON beside its inputs; at most"
            f" {_MOST_OTHER_BYTES} are allowed"
        )
    found: Mapping[str, Any] = load(bytes(text[:begin]) + bytes(text[end:]))
    return found


def _parameters(
    where: str, of: Mapping[str, Any], known: Mapping[str, type]
) -> Mapping[str, Any]:
    found = of.get("parameters") or {}
    if not isinstance(found, dict):
        raise MalformedRequestError(f"{where}: 'parameters' must be an object")
    check_parameters(where, found, known)
    return found


def _outputs(given: Any) -> list[WantedOutput]:
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > MOST_NAMES:
        raise MalformedRequestError(
            f"'outputs' must be a list of at most {MOST_NAMES} objects"
        )
    found = []
    for each in given:
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(name, str):
            raise MalformedRequestError("an output must be an object with a 'name'")
        parameters = _parameters(f"output {name[:100]!r}", each, _OUTPUT)
        found.append(WantedOutput(name, parameters.get("binary_data")))
    check_distinct("output", [output.name for output in found])
    return found


class _RawInputs:
    """The bytes after JSON, of which inputs take theirs one after the other."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._at = 0

    def take(self, where: str, size: int) -> memoryview:
        left = len(self._content) - self._at
        if not 0 <= size <= left:
            raise InvalidArgumentError(
                f"{where}: binary_data_size is {size}, but {left} bytes follow"
            )
        self._at += size
        return self._content[self._at - size : self._at]

    def check_end(self) -> None:
        left = len(self._content) - self._at
        if left:
            raise MalformedRequestError(
                f"{left} bytes after the JSON belong to no input: each has to say its"
                " own in 'binary_data_size'"
            )


def _tensor(text: memoryview, raw: _RawInputs) -> InferTensor:
    if text[0] != ord("{"):
        raise MalformedRequestError("'inputs' must be a list with objects")
    members = read_json(text)
    name = _text(members, "name", "an input")
    where = f"input {name[:100]!r}"
    given = {key: _plain(value) for key, value in _table(members, where).items()}
    check_parameters(where, given, _INPUT)
    size = given.get("binary_data_size")
    if (size is None) != ("data" in members):
        raise InvalidArgumentError(
            f"{where}: expected either 'data' or the parameter 'binary_data_size'"
        )
    content = (
        JsonContent(members["data"])
        if size is None
        else RawContent(raw.take(where, size))
    )
    datatype = _text(members, "datatype", where)
    return InferTensor(name, datatype, _shape(members, where), content)


def _text(members: Mapping[str, Any], key: str, where: str) -> str:
    found = members.get(key)
    if not isinstance(found, np.ndarray) or found.shape or found.dtype.kind != "O":
        raise MalformedRequestError(f"{where}: {key!r} must be a string")
    return bytes(found[()]).decode(errors="replace")


def _shape(members: Mapping[str, Any], where: str) -> tuple[int, ...]:
    found = members.get("shape")
    is_list = isinstance(found, np.ndarray) and found.ndim == 1
    if not is_list or (found.size and found.dtype.kind not in "iu"):  # type: ignore
        raise MalformedRequestError(f"{where}: 'shape' must be a list of integers")
    return tuple(map(int, found))  # type: ignore[arg-type]


def _table(members: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    found = members.get("parameters", ((), {}))
    if not isinstance(found, tuple) or found[0]:
        raise MalformedRequestError(f"{where}: 'parameters' must be an object")
    return found[1]  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) and not value.shape else value
