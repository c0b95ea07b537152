# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Packed weights in the smaller types that kernels read, where these hold them exactly.

What is rounded to such a type was rounded before XLA saw it, in ``quantize/``. So it is
found here from the floats alone, however XLA has turned and joined them since.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.program.passes.packing import PANEL, FloatArray
from tfnative_aot.program.steps import Source

WeightType = Literal["f32", "f16", "bf16", "s8"]
"""By XLA's names."""

LARGEST = 127
"""Of whole numbers in s8; -128 is not used, so that a weight can change its sign."""


@dataclass(frozen=True)
class Weights:
    """What is to become of weights.

    Attributes:
        dtype: The type that they are stored in, where it holds them exactly.
        in_int8: Whether products with those in s8 are computed in whole numbers, too.
        products: Which products: TensorFlow's nodes of them.
    """

    dtype: WeightType
    in_int8: bool = False
    products: frozenset[str] = frozenset()

    def computes_in_int8(self, source: Source) -> bool:
        """Whether a step is one of these products, wherever a call has put it."""
        names = (part.op_name for part in source.all_parts)
        return self.in_int8 and any(find_node(name, self.products) for name in names)


FLOATS = Weights("f32")


def find_node(name: str, nodes: Iterable[str]) -> str:
    """The node that XLA means by a name, to which it adds that of calls; or "".

    Of "MatMul" and "while/MatMul", the longer one.
    """
    found = (node for node in nodes if f"/{name}".endswith(f"/{node}"))
    return max(found, key=len, default="")


@dataclass(frozen=True)
class StoredWeights:
    """What a kernel reads.

    Attributes:
        dtype: Of an element; "u8" for the bytes of ``packing_int8``.
        array: The elements; of f16 and bf16, their bits.
        scale: For s8, what each output channel is multiplied with, and PANEL zeros
            more; else None.
    """

    dtype: WeightType | Literal["u8"]
    array: npt.NDArray[np.generic]
    scale: FloatArray | None = None


def stored(packed: FloatArray, dtype: WeightType, channels: int) -> StoredWeights:
    """Packed weights in a type, or in f32 if that does not hold all of them.

    Args:
        packed: Columns, [..., panels, k, PANEL], or another number of them than PANEL
            in each panel; of groups, one after the other.
        dtype: The type.
        channels: How many columns of a group are none that only fill a panel.
    """
    if dtype in ("f16", "bf16"):
        kind = numpy_dtype("float16" if dtype == "f16" else "bfloat16")
        with np.errstate(over="ignore"):
            small = packed.astype(kind)
        if (
            np.array_equal(small.astype(np.float32), packed)
            and np.isfinite(packed).all()
        ):
            return StoredWeights(dtype, small.view(np.uint16))
    if dtype == "s8":
        largest = np.abs(packed).max(axis=-2, keepdims=True)
        scale = largest / np.float32(LARGEST)
        scale[largest == 0] = 1
        with np.errstate(all="ignore"):
            whole = np.rint(packed / scale)
            same = np.array_equal(whole * scale, packed)
        if same and np.abs(whole).max() <= LARGEST:
            rows = scale.reshape(-1, scale.shape[-3] * scale.shape[-1])[:, :channels]
            padded = np.append(rows.ravel(), np.zeros(PANEL, np.float32))
            return StoredWeights(dtype, whole.astype(np.int8), padded)
    return StoredWeights("f32", packed)
