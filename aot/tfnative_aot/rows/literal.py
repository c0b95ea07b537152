# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Literals of XLA as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_DTYPES = {
    "preds": "?", "s8s": "i1", "s16s": "<i2", "s32s": "<i4", "s64s": "<i8",
    "u8s": "u1", "u16s": "<u2", "u32s": "<u4", "u64s": "<u8", "f16s": "<u2",
    "bf16s": "<u2", "f32s": "<f4", "f64s": "<f8", "c64s": "<f4", "c128s": "<f8",
}  # fmt: skip
"""NumPy's dtypes of the fields of a literal. Bits will do for half precision."""


def array_of(literal: Any) -> npt.NDArray[Any]:
    """The elements of an xla.LiteralProto; of an empty one, none.

    Complex numbers are two elements each, in a last dimension of their own.
    """
    shape = tuple(literal.shape.dimensions)
    for field, dtype in _DTYPES.items():
        values = getattr(literal, field)
        if not values:
            continue
        raw = isinstance(values, bytes)
        array = np.frombuffer(values, dtype) if raw else np.asarray(values, dtype)
        pair = (2,) if field.startswith("c") else ()
        return array.reshape((*shape, *pair))
    return np.zeros(shape, np.uint8)
