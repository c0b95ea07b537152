# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Types of elements, by TensorFlow's numbers and by NumPy's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfnative._base.arrays import numpy_dtype
from tfnative.errors import UnimplementedError

DT_STRING = 7

# tensorflow.DataType by NumPy's names.
DATA_TYPES = {
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "complex64": 8,
    "int64": 9,
    "bool": 10,
    "bfloat16": 14,
    "uint16": 17,
    "complex128": 18,
    "float16": 19,
    "uint32": 22,
    "uint64": 23,
}
NAMES = {number: name for name, number in DATA_TYPES.items()}
_REFUSED = {
    11: "qint8",
    12: "quint8",
    13: "qint32",
    15: "qint16",
    16: "quint16",
    20: "resource",
    21: "variant",
    24: "float8_e5m2",
    25: "float8_e4m3fn",
    29: "int4",
    30: "uint4",
}


def data_type_name(number: int) -> str:
    """NumPy's name of a tensorflow.DataType, or TensorFlow's where it has none."""
    if number == DT_STRING:
        return "string"
    return NAMES.get(number) or _REFUSED.get(number) or f"DataType {number}"


def data_type_dtype(number: int) -> np.dtype[Any]:
    """The dtype of arrays with such elements; that of strings is object.

    Raises:
        UnimplementedError: There are no such arrays.
    """
    if number == DT_STRING:
        return np.dtype(object)
    if number in NAMES:
        return numpy_dtype(NAMES[number])
    raise UnimplementedError(f"tensors of {data_type_name(number)} are not supported")


def data_type_of(dtype: np.dtype[Any]) -> int:
    """The tensorflow.DataType of a dtype; object is that of strings."""
    return DT_STRING if dtype.kind in "OSU" else DATA_TYPES[dtype.name]
