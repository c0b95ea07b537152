# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Matrix products and convolutions that add nothing up.

Where the weights of one input are all that there is, XLA makes an ordinary product of
it, which goes into a sum that follows, unlike those of which sums are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

_BATCHED = ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
SINGLE_PRODUCTS = frozenset(
    {"MatMul", "Einsum", "Conv2D", "Conv3D", "DepthwiseConv2dNative", *_BATCHED}
)
"""Ops that may be such products."""


def is_single_product(editor: GraphEditor, node: NodeDef) -> bool:
    """Whether each of its results is one product, with a constant."""
    for place in range(sum(not name.startswith("^") for name in node.input)):
        weights = editor.constant_node(node, place)
        if weights is None:
            continue
        shape = [dim.size for dim in weights.attr["value"].tensor.tensor_shape.dim]
        if _summed(node, place, shape) == 1:
            return True
    return False


def _summed(node: NodeDef, place: int, shape: list[int]) -> int:
    """How many products are summed, by the shape of an operand."""
    if node.op == "Einsum":
        return _summed_by_equation(node, place, shape)
    if node.op == "DepthwiseConv2dNative":
        return int(np.prod(shape[:-2])) if place == 1 else 0
    if node.op in ("Conv2D", "Conv3D"):
        return int(np.prod(shape[:-1])) if place == 1 else 0
    flags = (
        ("adj_x", "adj_y") if node.op in _BATCHED else ("transpose_a", "transpose_b")
    )
    is_transposed = bool(node.attr[flags[place]].b)
    if len(shape) < 2:
        return 0
    return shape[-1] if is_transposed == (place == 1) else shape[-2]


def _summed_by_equation(node: NodeDef, place: int, shape: list[int]) -> int:
    operands, _, result = node.attr["equation"].s.decode().partition("->")
    labels = operands.replace(" ", "").split(",")[place]
    if "." in labels or len(labels) != len(shape):
        return 0
    summed = [
        size for label, size in zip(labels, shape, strict=True) if label not in result
    ]
    others = operands.replace(labels, "", 1)
    is_product = all(label in others for label in labels if label not in result)
    return int(np.prod(summed, dtype=np.int64)) if is_product or not summed else 0
