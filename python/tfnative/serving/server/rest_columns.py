# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""JSON bodies as inputs: read without an object for each number.

The extension module reads the text. A value is then an array, where lists are of equal
lengths and hold one kind of things; or the shape of a list of objects and what they
have by name; or a sentence that says why it is neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from tfnative._core import read_json
from tfnative._signature import TensorSpec
from tfnative.errors import InvalidArgumentError
from tfnative.serving import json_tensors
from tfnative.serving.server.input_rules import InputRules, array_bytes
from tfnative.serving.types import Outputs

Array: TypeAlias = npt.NDArray[Any]
Table: TypeAlias = tuple[tuple[int, ...], dict[str, Any]]

_NULL = "null is no value"


class RestBody(NamedTuple):
    """What is in a body.

    Attributes:
        text: All of it.
        members: Of its object; ``examples`` are where each begins and ends in the text.
    """

    text: memoryview
    members: Mapping[str, Array | Table | str]

    @property
    def signature_name(self) -> str | None:
        """Which signature is meant.

        Raises:
            InvalidArgumentError: It is no text.
        """
        found = self.members.get("signature_name", _NULL)
        if isinstance(found, str) and found == _NULL:
            return None
        if not isinstance(found, np.ndarray) or found.shape or found.dtype.kind != "O":
            raise InvalidArgumentError("'signature_name' must be a string")
        return cast(bytes, found[()]).decode() or None


def read(text: memoryview, *, has_examples: bool) -> RestBody:
    """What a body says.

    Raises:
        InvalidArgumentError: It is no object in JSON, or has a name twice.
    """
    return RestBody(text, read_json(text, "examples" if has_examples else ""))


class RestInputs:
    """The inputs of a predict request. See ``RequestInputs``.

    Args:
        body: The request.

    Attributes:
        is_row_format: Whether the request has rows, and wants rows.
    """

    def __init__(self, body: RestBody) -> None:
        members = body.members
        if ("instances" in members) == ("inputs" in members):
            raise InvalidArgumentError(
                "Request must have either 'instances' or 'inputs' in its JSON"
            )
        self.size_bytes = len(body.text)
        self.is_row_format = "instances" in members
        self._key = "instances" if self.is_row_format else "inputs"
        self._value = members[self._key]
        self._arrays: dict[str, Array] = {}

    def check(self, rules: InputRules) -> int:
        """See ``RequestInputs.check``."""
        self._rules, specs = rules, rules.signature.inputs
        read = _rows if self.is_row_format else _columns
        total = 0
        for name, value in read(self._value, specs).items():
            problem = _problem(value, specs[name])
            if problem:
                raise InvalidArgumentError(f"{rules.at(name)}: {problem}")
            array = self._arrays[name] = _with_sizes(value, specs[name])
            dtype = specs[name].dtype
            rules.check(name, dtype, array.shape)
            total += array_bytes(dtype, array.shape)
            rules.check_bytes(total)
        return total

    def arrays(self) -> Outputs:
        """See ``RequestInputs.arrays``."""
        return {name: self._array(name) for name in self._arrays}

    def _array(self, name: str) -> Array:
        found = self._arrays[name]
        dtype = self._rules.signature.inputs[name].dtype
        if found.size == 0:
            return np.empty(found.shape, dtype)
        if dtype.kind == "O":
            return found
        try:
            return json_tensors.cast(found, dtype)
        except (TypeError, OverflowError) as error:
            raise InvalidArgumentError(f"{self._rules.at(name)}: {error}") from None


def _problem(value: Any, spec: TensorSpec) -> str:
    """Why a value cannot become the array of an input, or ""."""
    if isinstance(value, str):
        return value
    if not isinstance(value, np.ndarray):
        return "expected numbers or text"
    is_text, wants_text = value.dtype.kind == "O", spec.dtype.kind == "O"
    if is_text == wants_text or not value.size:
        return ""
    if wants_text:
        return "expected text or {'b64': ...}, got numbers"
    return f"expected {spec.dtype.name}, got text"


def _rows(
    value: Array | Table | str, specs: Mapping[str, TensorSpec]
) -> Mapping[str, Any]:
    """What ``instances`` has for each input."""
    names = ", ".join(specs)
    if isinstance(value, str):
        if len(specs) == 1 and "names" not in value:
            return {next(iter(specs)): value}
        raise InvalidArgumentError(f"'instances': {value}")
    shape = value[0] if isinstance(value, tuple) else value.shape
    if not shape or (isinstance(value, tuple) and len(shape) > 1):
        raise InvalidArgumentError("'instances' must be a list with rows")
    if isinstance(value, tuple):
        if value[1].keys() != specs.keys():
            raise InvalidArgumentError(
                f"'instances': expected the inputs {names} in each, got"
                f" {_names(value[1])}"
            )
        return value[1]
    if shape == (0,):
        return _no_rows(specs)
    if len(specs) != 1:
        raise InvalidArgumentError(
            f"'instances': expected objects with the inputs {names}"
        )
    return {next(iter(specs)): value}


def _no_rows(specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
    """Inputs of no rows, if all have rows."""
    for spec in specs.values():
        if spec.shape is not None and spec.shape[:1] != (-1,):
            raise InvalidArgumentError(
                f"'instances': without rows there is no input {spec.name!r}, which has"
                " no batch dimension"
            )
    return {name: np.empty(0) for name in specs}


def _columns(
    value: Array | Table | str, specs: Mapping[str, TensorSpec]
) -> Mapping[str, Any]:
    """What ``inputs`` has for each input."""
    if isinstance(value, tuple) and not value[0]:
        if value[1].keys() != specs.keys():
            raise InvalidArgumentError(
                f"'inputs': expected {', '.join(specs)}, got {_names(value[1])}"
            )
        return value[1]
    if len(specs) != 1 or isinstance(value, tuple):
        raise InvalidArgumentError(
            f"'inputs': expected an object with {', '.join(specs)}"
        )
    return {next(iter(specs)): value}


def _names(members: Mapping[str, Any]) -> str:
    return ", ".join(members)[:200] or "none"


def _with_sizes(found: Array, spec: TensorSpec) -> Array:
    """Lists do not say how long those are that would be in empty ones."""
    if spec.shape is None or found.size:
        return found
    missing = spec.shape[found.ndim :]
    return np.empty((*found.shape, *(max(0, size) for size in missing)), found.dtype)


# --- Examples -------------------------------------------------------------------------


def examples(body: RestBody) -> tuple[list[dict[str, Array]], dict[str, Array] | None]:
    """The examples of a request, and the features that they share.

    Raises:
        InvalidArgumentError: There are none, or features that are no values.
    """
    found = list(_examples(body))
    if not found:
        raise InvalidArgumentError("'examples' must be a list with objects")
    context = body.members.get("context", _NULL)
    if isinstance(context, str) and context == _NULL:
        return found, None
    if not isinstance(context, tuple) or context[0]:
        raise InvalidArgumentError("'context' must be an object")
    return found, _features(context[1])


def _examples(body: RestBody) -> Iterator[dict[str, Array]]:
    spans = body.members.get("examples")
    if not isinstance(spans, np.ndarray) or spans.ndim != 2:
        return
    for begin, end in spans.tolist():
        if body.text[begin] != ord("{"):
            raise InvalidArgumentError("'examples' must be a list with objects")
        yield _features(read_json(body.text[begin:end]))


def _features(members: Mapping[str, Any]) -> dict[str, Array]:
    found = {}
    for name, value in members.items():
        where = f"feature {name[:100]!r}"
        if isinstance(value, str):
            raise InvalidArgumentError(f"{where}: {value}")
        if not isinstance(value, np.ndarray):
            raise InvalidArgumentError(f"{where}: expected numbers or text")
        try:
            is_float = value.dtype.kind == "f"
            dtype = np.dtype(np.float32) if is_float else value.dtype
            found[name] = json_tensors.cast(value, dtype) if is_float else value
        except OverflowError as error:
            raise InvalidArgumentError(f"{where}: {error}") from None
    return found
