# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Element types: their names in NumPy, in abi.h and in C."""

from __future__ import annotations

from typing import cast

import numpy as np

ABI_DTYPES = {
    "float32": ("TFN_FLOAT32", "float"),
    "float64": ("TFN_FLOAT64", "double"),
    "float16": ("TFN_FLOAT16", "uint16_t"),
    "bfloat16": ("TFN_BFLOAT16", "uint16_t"),
    "int8": ("TFN_INT8", "int8_t"),
    "int16": ("TFN_INT16", "int16_t"),
    "int32": ("TFN_INT32", "int32_t"),
    "int64": ("TFN_INT64", "int64_t"),
    "uint8": ("TFN_UINT8", "uint8_t"),
    "uint16": ("TFN_UINT16", "uint16_t"),
    "uint32": ("TFN_UINT32", "uint32_t"),
    "uint64": ("TFN_UINT64", "uint64_t"),
    "bool": ("TFN_BOOL", "uint8_t"),
    "complex64": ("TFN_COMPLEX64", "float"),
    "complex128": ("TFN_COMPLEX128", "double"),
}
"""NumPy's name of an element type: its name in abi.h and its type in C."""


def supported_dtype(dtype: str) -> bool:
    """Whether tensors of this element type can cross the C ABI."""
    return dtype in ABI_DTYPES


def numpy_dtype(name: str) -> np.dtype[np.generic]:
    """The dtype of a name; "bfloat16" comes from ml_dtypes, a part of TensorFlow."""
    if name == "bfloat16":
        import ml_dtypes

        return cast("np.dtype[np.generic]", np.dtype(ml_dtypes.bfloat16))
    return np.dtype(name)
