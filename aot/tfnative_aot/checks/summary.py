# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors as TensorFlow prints them in messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ESCAPES = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\"}
UNKNOWN = "?"
"""What stands for what cannot be printed, as complex numbers."""


def summary(shape: Sequence[int], limit: int, texts: Sequence[str]) -> str:
    """A tensor in brackets, but for the outermost ones, up to some elements.

    Args:
        shape: Its sizes.
        limit: How many elements are printed.
        texts: The elements that are, at least, in row-major order.
    """
    count = int(np.prod(shape, dtype=np.int64))
    elements = iter(texts[: min(limit, count)])
    left = [min(limit, count)]
    text = "".join(_lines(list(shape), 0, elements, left)) if shape else texts[0]
    return text + ("..." if count > limit else "")


def _lines(
    shape: list[int], dimension: int, elements: Iterator[str], left: list[int]
) -> Iterator[str]:
    if left[0] <= 0:
        return
    for number in range(shape[dimension]):
        if dimension < len(shape) - 1:
            if left[0] > 0:
                yield "["
                yield from _lines(shape, dimension + 1, elements, left)
                yield "]"
            continue
        if left[0] <= 0:
            if dimension > 0:
                yield "..."
            return
        yield (" " if number > 0 else "") + next(elements)
        left[0] -= 1


def constant_summary(value: NDArray[Any], limit: int) -> str:
    """What TensorFlow prints of a constant."""
    flat = value.reshape(-1)[: max(limit, 0)]
    if value.dtype == object:
        text = " ".join(_escaped(element) for element in flat)
        return text + ("..." if value.size > limit else "")
    return summary(value.shape, limit, [element_text(element) for element in flat])


def element_text(element: Any) -> str:
    """What TensorFlow prints of a number."""
    dtype = np.asarray(element).dtype
    if dtype.kind in "biu":
        return str(int(element))
    if dtype.kind == "c":
        return UNKNOWN
    return float_text(float(element), is_single=dtype != np.float64)


def float_text(value: float, *, is_single: bool) -> str:
    """A float with the digits that its type always keeps, or with enough of them."""
    if np.isnan(value):
        return "nan"
    few, many = (6, 9) if is_single else (15, 17)
    read: Any = np.float32 if is_single else np.float64
    text = f"{value:.{few}g}"
    return text if read(text) == read(value) else f"{value:.{many}g}"


def _escaped(text: Any) -> str:
    raw = text if isinstance(text, bytes) else str(text).encode()
    return "".join(
        _ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
        for byte in raw
    )
