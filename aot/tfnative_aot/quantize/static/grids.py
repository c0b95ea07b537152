# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a model says itself of how its activations are rounded to 8 bits, or to less.

Ops of quantisation-aware training give a tensor the numbers of a grid: FakeQuant from a
range that they move until zero is one of them, QuantizeAndDequantize around zero. Both
follow TensorFlow's kernels, ``Nudge`` in ``core/kernels/fake_quant_ops_functor.h`` and
``ComputeQuantizationRange`` in ``core/kernels/quantize_and_dequantize_op.h``, in
float32, rounding where they round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tfnative_aot.freeze.quantized import Quantization
from tfnative_aot.quantize.calibrate.observed import Range

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

BITS = 8
"""The most that a grid may have."""

Constants = Sequence[npt.NDArray[Any] | None]
_Ends = tuple[np.float32, np.float32]


@dataclass(frozen=True)
class Grid:
    """Numbers that a tensor may have.

    Attributes:
        quantization: Which bytes stand for them.
        lowest: The least byte.
        highest: The largest byte.
    """

    quantization: Quantization
    lowest: int
    highest: int

    @property
    def range(self) -> Range:
        """From the least number to the largest."""
        own = self.quantization
        ends = [(q - own.zero) * own.scale for q in (self.lowest, self.highest)]
        return Range(min(ends[0], 0.0), max(ends[1], 0.0))


def bits_of_op(node: NodeDef, constants: Constants) -> int | None:
    """How many bits a node rounds activations to, if it does."""
    if node.op not in _RULES:
        return None
    if node.op == "QuantizeAndDequantizeV3":
        bits = constants[3]
        return None if bits is None else int(bits)
    return int(node.attr["num_bits"].i) if "num_bits" in node.attr else 8


def _flag(node: NodeDef, name: str, usual: bool = False) -> bool:
    # Looking up what is not there would add it to the node.
    return bool(node.attr[name].b) if name in node.attr else usual


def grid_of(node: NodeDef, constants: Constants) -> Grid | None:
    """The grid that a node rounds to, if it is known and bytes hold it.

    Args:
        node: Any node.
        constants: The values of its inputs that are constants.
    """
    rule = _RULES.get(node.op)
    bits = bits_of_op(node, constants)
    ends = _ends(node, constants)
    if rule is None or bits is None or not 2 <= bits <= BITS or ends is None:
        return None
    if rule is _around_zero and not _is_one_range(node):
        return None
    with np.errstate(all="ignore"):
        grid = rule(node, *ends, bits)
    scale = grid.quantization.scale
    # What is divided by it, and products of two, are to be normal numbers.
    return grid if 2.0**-60 < scale < 2.0**60 else None


def _is_one_range(node: NodeDef) -> bool:
    """Whether a range is given, and not one for each channel."""
    is_given = _flag(node, "range_given", node.op == "QuantizeAndDequantizeV3")
    return is_given and ("axis" not in node.attr or node.attr["axis"].i < 0)


def _ends(node: NodeDef, constants: Constants) -> _Ends | None:
    if node.op == "FakeQuantWithMinMaxArgs":
        has = "min" in node.attr, "max" in node.attr
        low, high = (
            np.float32(node.attr[name].f if there else usual)
            for name, there, usual in zip(("min", "max"), has, (-6.0, 6.0), strict=True)
        )
        return (low, high) if low < high else None
    values = constants[1:3]
    if len(values) < 2 or any(v is None or v.shape not in ((), (1,)) for v in values):
        return None
    low, high = (np.float32(np.reshape(v, ())) for v in values if v is not None)
    is_right = low < high and np.isfinite([low, high]).all()
    return (low, high) if is_right else None


def _moved(node: NodeDef, low: np.float32, high: np.float32, bits: int) -> Grid:
    """FakeQuant: the number next to where zero lies becomes zero."""
    least, most = np.float32(_flag(node, "narrow_range")), np.float32(2**bits - 1)
    scale = np.float32((high - low) / (most - least))
    exact = np.float32(least - low / scale)
    # Halves go away from zero, and it is not below zero.
    zero = np.clip(np.floor(np.float64(exact) + 0.5), least, most)
    return Grid(Quantization(float(scale), int(zero)), int(least), int(most))


def _around_zero(node: NodeDef, low: np.float32, high: np.float32, bits: int) -> Grid:
    """QuantizeAndDequantize: the end that needs the larger steps decides."""
    is_signed = _flag(node, "signed_input", usual=True)
    most = 2 ** (bits - 1) - 1 if is_signed else 2**bits - 1
    least = -most - (not _flag(node, "narrow_range")) if is_signed else 0
    below, above = np.float32(least), np.float32(most)
    largest = np.finfo(np.float32).max
    by_low = below / low if below * low > 0 else largest
    by_high = above / high if above * high > 0 else largest
    scale = low / below if by_low < by_high else high / above
    zero = 2 ** (bits - 1) if is_signed else 0
    return Grid(Quantization(float(scale), zero), least + zero, most + zero)


_RULES: Mapping[str, Callable[..., Grid]] = {
    "FakeQuantWithMinMaxArgs": _moved,
    "FakeQuantWithMinMaxVars": _moved,
    "QuantizeAndDequantizeV2": _around_zero,
    "QuantizeAndDequantizeV3": _around_zero,
    "QuantizeAndDequantizeV4": _around_zero,
}
