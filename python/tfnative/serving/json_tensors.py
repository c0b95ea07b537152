# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays in JSON, as https://www.tensorflow.org/tfx/serving/api_rest describes them.

Bytes are ``{"b64": "..."}``; numbers that JSON does not have are NaN, Infinity and
-Infinity, as JavaScript writes them.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative.errors import InvalidArgumentError

B64 = "b64"

_FLOAT = np.dtype(np.float32)
_UNLIKE = "lists have different lengths, or hold different things"


def dump(value: Any) -> bytes:
    """JSON text."""
    return json.dumps(value, separators=(",", ":")).encode()


def load(text: bytes | str) -> Any:
    """What JSON text says.

    Raises:
        InvalidArgumentError: It is no JSON, or not in UTF-8.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"expected JSON: {error}") from None


def to_json(array: npt.NDArray[Any]) -> Any:
    """Nested lists; strings as ``{"b64": ...}``.

    Raises:
        InvalidArgumentError: JSON has no such numbers.
    """
    if array.dtype.kind in "OSU":
        return _map(array.tolist(), bytes_to_json)
    if array.dtype.kind == "c":
        raise InvalidArgumentError(f"JSON has no {array.dtype.name}")
    if array.dtype.name in ("bfloat16", "float16"):
        array = array.astype(np.float32)
    return array.tolist()


def bytes_to_json(value: Any) -> dict[str, str]:
    """A string, whatever bytes it has."""
    raw = value.encode() if isinstance(value, str) else value
    if not isinstance(raw, bytes):
        raise InvalidArgumentError(f"expected bytes or str, got {type(raw).__name__}")
    return {B64: base64.b64encode(raw).decode()}


def text_to_json(value: Any) -> str | dict[str, str]:
    """A string as text; as ``{"b64": ...}`` if it is none, in UTF-8."""
    if isinstance(value, str):
        return value
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        return bytes_to_json(value)


def from_json(value: Any, dtype: np.dtype[Any] | None, where: str) -> npt.NDArray[Any]:
    """An array from nested lists.

    Args:
        value: Numbers, bool, text, ``{"b64": ...}``, or lists of them.
        dtype: What it should be; None for float32, int64, bool or strings, as it is.
        where: What it belongs to, for messages.

    Raises:
        InvalidArgumentError: Lists are not equally long, or hold what does not fit.
    """
    try:
        if dtype == np.dtype(object) or (dtype is None and _is_text(value)):
            return _strings(value)
        found = _numbers(value, dtype)
        if dtype is None:
            return cast(found, _FLOAT) if found.dtype.kind == "f" else found
        return cast(found, dtype)
    except RecursionError:
        raise InvalidArgumentError(f"{where}: lists are nested too deeply") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidArgumentError(f"{where}: {error}") from None


def _numbers(value: Any, dtype: np.dtype[Any] | None) -> npt.NDArray[Any]:
    # Of mixed int64 and uint64 NumPy makes float64 if it is not told otherwise.
    wanted = np.uint64 if _is_uint64(value, dtype) else None
    try:
        found = np.asarray(value, wanted)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(_UNLIKE) from None
    if found.dtype == object:
        raise ValueError(_UNLIKE)
    return found


def _is_uint64(value: Any, dtype: np.dtype[Any] | None) -> bool:
    if dtype != np.dtype(np.uint64):
        return False
    while isinstance(value, list):
        if not value:
            return False
        if not isinstance(value[0], list):
            return all(type(each) is int and each >= 0 for each in value)
        value = [each for some in value for each in some]
    return False


def cast(found: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Numbers or bool of JSON in the type that a tensor has.

    Raises:
        TypeError: They are of another kind: float where int is wanted.
        OverflowError: One is larger than the type can hold.
    """
    if found.dtype.kind in "OSU" or (found.dtype.kind == "b") != (dtype.kind == "b"):
        if found.size:
            raise TypeError(f"expected {dtype.name}, got {kind_of(found)}")
    elif dtype.kind in "iu" and found.size:
        if found.dtype.kind == "f":
            raise TypeError(f"expected {dtype.name}, got {kind_of(found)}")
        bounds = np.iinfo(dtype)
        for value in (int(found.min()), int(found.max())):
            if not bounds.min <= value <= bounds.max:
                raise OverflowError(f"{dtype.name} cannot hold {value}")
    with np.errstate(all="ignore"):
        wanted = found.astype(dtype, copy=False)
    if found.dtype.kind in "iuf" and dtype.kind not in "iub":
        lost = np.isinf(wanted)
        if lost.any() and (lost & np.isfinite(found)).any():
            value = found[lost & np.isfinite(found)][0]
            raise OverflowError(f"{dtype.name} cannot hold {value}")
    return wanted


def kind_of(found: npt.NDArray[Any]) -> str:
    """The type of JSON's values, for messages: strings are text."""
    return "text" if found.dtype.kind in "OSU" else found.dtype.name


def _is_text(value: Any) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, str | dict)


def _strings(value: Any) -> npt.NDArray[np.object_]:
    shape = []
    level = value
    while isinstance(level, list):
        shape.append(len(level))
        if not level:
            break
        level = level[0]
    items: list[bytes] = []
    _collect(value, shape, items)
    found = np.empty(len(items), object)
    found[:] = items
    return found.reshape(shape)


def _collect(value: Any, shape: list[int], items: list[bytes]) -> None:
    if not shape:
        items.append(_bytes(value))
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        raise ValueError(_UNLIKE)
    for each in value:
        _collect(each, shape[1:], items)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if (
        isinstance(value, dict)
        and value.keys() == {B64}
        and isinstance(value[B64], str)
    ):
        try:
            return base64.b64decode(value[B64], validate=True)
        except binascii.Error as error:
            raise ValueError(f"expected base64: {error}") from None
    raise TypeError(f"expected text or {{{B64!r}: ...}}, got {type(value).__name__}")


def _map(value: Any, function: Any) -> Any:
    if isinstance(value, list):
        return [_map(each, function) for each in value]
    return function(value)
