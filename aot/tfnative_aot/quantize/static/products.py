# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Convolutions and matrix products with constant weights, as one kind of product."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tfnative_aot.freeze.quantized import Triple, Window
from tfnative_aot.quantize.static.graph_view import GraphView

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

Floats = npt.NDArray[np.float32]

MATRIX_PRODUCTS = frozenset({"BatchMatMul", "BatchMatMulV2", "Einsum", "MatMul"})

MOST_PLACES = 60_000
"""Sums of more products may not fit 32 bits beside a bias."""


@dataclass(frozen=True)
class Found:
    """A product.

    Attributes:
        given: What it multiplies, as a node names it.
        weights: (height, width, input channels of a group, output channels).
        groups: Of these.
        window: Over one row.
    """

    given: str
    weights: Floats
    groups: int
    window: Window


def find_product(view: GraphView, node: NodeDef) -> Found | None:
    """The product that a node is, if a kernel can compute it."""
    if node.name not in view.products:
        view.products[node.name] = _find(view, node)
    found: Found | None = view.products[node.name]
    return found


def _find(view: GraphView, node: NodeDef) -> Found | None:
    rule = _RULES.get(node.op)
    if rule is None or node.attr["T"].type != 1:  # DT_FLOAT
        return None
    if node.name in view.shapes:
        return None
    found = rule(view, node)
    if found is None or not _is_finite(found.weights):
        return None
    elements = view.row_elements(found.given)
    channels = found.weights.shape[2] * found.groups
    in_size = found.window.in_size
    if elements != math.prod(in_size) * channels or view.sizes(node.name) is None:
        return None
    if min(*in_size, *found.window.out_size, *found.weights.shape) < 1:
        return None
    places = math.prod(found.weights.shape[:3])
    return found if places <= MOST_PLACES else None


def _is_finite(weights: Floats) -> bool:
    return bool(np.isfinite(weights).all())


def _matrix_product(view: GraphView, node: NodeDef) -> Found | None:
    weights = view.constant(node.input[1])
    if weights is None or weights.ndim != 2:
        return None
    flags = (
        ("transpose_a", "transpose_b") if node.op == "MatMul" else ("adj_x", "adj_y")
    )
    if node.attr[flags[0]].b:
        return None
    matrix = weights.T if node.attr[flags[1]].b else weights
    return _of_matrix(view, node.input[0], matrix)


def _einsum(view: GraphView, node: NodeDef) -> Found | None:
    """Sums over the last dimensions of the first operand, as Keras' layers do."""
    if len(node.input) != 2:
        return None
    weights = view.constant(node.input[1])
    equation = node.attr["equation"].s.decode().replace(" ", "")
    inputs, _, output = equation.partition("->")
    left, right = inputs.split(",")
    summed = [label for label in left if label not in output]
    count = len(summed)
    is_plain = (
        weights is not None
        and "." not in equation
        and list(left[len(left) - count :]) == summed
        and list(right[:count]) == summed
        and output == left[: len(left) - count] + right[count:]
        and len(set(left)) == len(left)
        and len(set(right)) == len(right)
        and 0 < count < len(left)
    )
    if not is_plain or weights is None:
        return None
    k = math.prod(weights.shape[:count])
    return _of_matrix(view, node.input[0], weights.reshape(k, -1))


def _of_matrix(view: GraphView, given: str, matrix: Any) -> Found | None:
    elements = view.row_elements(given)
    k, n = matrix.shape
    if elements is None or k == 0 or elements % k:
        return None
    size: Triple = (1, 1, elements // k)
    weights = np.ascontiguousarray(matrix, np.float32).reshape(1, 1, k, n)
    return Found(given, weights, 1, Window(size, size))


def _convolution(view: GraphView, node: NodeDef) -> Found | None:
    weights = view.weights(node.input[1])
    sizes = view.sizes(node.input[0])
    if weights is None or sizes is None or len(sizes) != 4 or None in sizes[1:]:
        return None
    if node.op == "DepthwiseConv2dNative":
        height, width, channels, multiplier = weights.shape
        weights = weights.reshape(height, width, 1, channels * multiplier)
        groups = channels
    else:
        if not weights.shape[2] or sizes[3] is None or sizes[3] % weights.shape[2]:
            return None
        groups = sizes[3] // weights.shape[2]
    given, window = window_of(view, node, node.input[0], weights.shape[:2])
    if window is None or not groups or weights.shape[3] % groups:
        return None
    return Found(given, weights, groups, window)


def window_of(
    view: GraphView, node: NodeDef, given: str, kernel: tuple[int, int]
) -> tuple[str, Window | None]:
    """Where a node looks, and at what: at what a Pad before it is given."""
    attr = node.attr
    if attr["data_format"].s not in (b"NHWC", b""):
        return given, None
    sizes, results = view.sizes(given), view.sizes(node.name)
    if sizes is None or results is None or None in (*sizes[1:], *results[1:]):
        return given, None
    strides = tuple(attr["strides"].list.i)[1:3]
    dilations = tuple(attr["dilations"].list.i)[1:3] or (1, 1)
    in_size = [int(size or 0) for size in sizes[1:3]]
    out_size = [int(size or 0) for size in results[1:3]]
    lows = []
    for dim in range(2):
        reach = (kernel[dim] - 1) * dilations[dim] + 1
        needed = (out_size[dim] - 1) * strides[dim] + reach
        total = max(needed - in_size[dim], 0)
        padding = attr["padding"].s
        if padding == b"EXPLICIT":
            lows.append(int(attr["explicit_paddings"].list.i[2 + 2 * dim]))
        else:
            lows.append(total // 2 if padding == b"SAME" else 0)
    pads = _pads(view, given)
    if pads is not None:
        given, (tops, lefts) = pads
        lows = [lows[0] + tops[0], lows[1] + lefts[0]]
        in_size = [in_size[0] - sum(tops), in_size[1] - sum(lefts)]
    window = Window(
        (1, in_size[0], in_size[1]),
        (1, out_size[0], out_size[1]),
        (1, *kernel),
        (1, strides[0], strides[1]),
        (0, lows[0], lows[1]),
        (1, dilations[0], dilations[1]),
    )
    return given, window


def _pads(view: GraphView, given: str) -> tuple[str, tuple[Any, Any]] | None:
    """What is padded with zeros, and how its height and width are."""
    name = view.source(given)
    if ":" in name:
        return None
    node = view.node(name)
    if node.op not in ("Pad", "PadV2") or view.sizes(given) != view.sizes(name):
        return None
    amounts = view.constant(node.input[1])
    filled = view.constant(node.input[2]) if node.op == "PadV2" else np.float32(0)
    if amounts is None or amounts.shape != (4, 2) or filled is None or filled != 0:
        return None
    if (
        amounts[[0, 3]].any()
        or (amounts < 0).any()
        or view.sizes(node.input[0]) is None
    ):
        return None
    rows = [[int(count) for count in pair] for pair in amounts]
    return node.input[0], (rows[1], rows[2])


_RULES: dict[str, Any] = {
    "MatMul": _matrix_product,
    "BatchMatMul": _matrix_product,
    "BatchMatMulV2": _matrix_product,
    "Einsum": _einsum,
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _convolution,
}
PRODUCTS = frozenset(_RULES)
"""Ops that may be products."""
