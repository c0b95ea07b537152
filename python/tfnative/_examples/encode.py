# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes tf.Example messages.

They are defined in tensorflow/core/example/example.proto and feature.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._base.wire import bytes_field, varint
from tfnative.errors import InvalidArgumentError

# Field numbers.
_EXAMPLE_FEATURES = 1
_FEATURES_FEATURE = 1
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3
_LIST_VALUE = 1

_INT64 = np.iinfo(np.int64)


def encode_example(features: Mapping[str, Any]) -> bytes:
    """A serialised tf.Example.

    Args:
        features: For each feature a value, or a sequence or array of any shape with
            values, whose shape is not kept: bytes and str (as UTF-8) become a
            bytes_list, integers and bool an int64_list, other numbers a float_list.
            None, and an empty list, becomes a feature without values.

    Returns:
        The same bytes for the same features, in whatever order they are.

    Raises:
        InvalidArgumentError: A value is none of these, or no int64 or float32.
    """
    entries = bytearray()
    for name in sorted(features):
        try:
            feature = _feature(features[name])
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgumentError(f"feature {name!r}: {error}") from None
        entry = bytes_field(_ENTRY_KEY, name.encode()) + bytes_field(
            _ENTRY_VALUE, feature
        )
        entries += bytes_field(_FEATURES_FEATURE, entry)
    return bytes_field(_EXAMPLE_FEATURES, bytes(entries))


def _feature(value: Any) -> bytes:
    """A Feature: one of three lists."""
    if value is None:
        return b""
    values = _array(value).ravel()
    kind = values.dtype.kind
    if values.size == 0 and kind not in "OSU":
        return b"" if not isinstance(value, np.ndarray) else _empty(kind)
    if kind in "OSU":
        items = (bytes_field(_LIST_VALUE, _as_bytes(item)) for item in values.tolist())
        return bytes_field(_BYTES_LIST, b"".join(items))
    if kind in "iub":
        packed = b"".join(varint(_int64(item)) for item in values.tolist())
        return bytes_field(_INT64_LIST, bytes_field(_LIST_VALUE, packed))
    floats = _float32(values).tobytes()
    return bytes_field(_FLOAT_LIST, bytes_field(_LIST_VALUE, floats))


def _float32(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The only floats that a tf.Example has."""
    with np.errstate(all="ignore"):
        floats = values.astype("<f4")
    lost = np.isfinite(values) & ~np.isfinite(floats)
    if lost.any():
        raise OverflowError(f"float32 cannot hold {values[lost][0]}")
    return floats


def _empty(kind: str) -> bytes:
    """A list of that kind, without values."""
    return bytes_field(_INT64_LIST if kind in "iub" else _FLOAT_LIST, b"")


def _array(value: Any) -> npt.NDArray[Any]:
    if isinstance(value, bytes | str):
        return np.array([value], object)  # NumPy would drop zeros at the end.
    if not isinstance(value, np.ndarray):
        found = np.asarray(value)
        if found.dtype.kind in "SU":
            found = np.asarray(value, object)
    else:
        found = value
    if found.dtype.kind in "iubfOSU" or found.dtype.name == "bfloat16":
        return found
    raise TypeError(f"expected bytes, integers or floats, got {found.dtype}")


def _as_bytes(item: Any) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, str):
        return item.encode()
    raise TypeError(f"expected bytes or str, got {type(item).__name__}")


def _int64(item: int) -> int:
    if not _INT64.min <= item <= _INT64.max:
        raise OverflowError(f"{item} is no int64")
    return int(item)


def encode_examples(rows: Iterable[Mapping[str, Any]]) -> npt.NDArray[np.object_]:
    """A serialised tf.Example for each row, as an array of bytes.

    Raises:
        InvalidArgumentError: As ``encode_example``; the message names the row.
    """
    encoded = []
    for index, row in enumerate(rows):
        try:
            encoded.append(encode_example(row))
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"row {index}: {error}") from None
    found = np.empty(len(encoded), object)
    found[:] = encoded
    return found
