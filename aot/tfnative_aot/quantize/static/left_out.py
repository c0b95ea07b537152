# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers with constant weights that no kernel computes in 8 bits, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tfnative.manifest import LayerPrecision
from tfnative_aot.quantize.small_weights import FEWEST
from tfnative_aot.quantize.static.graph_view import GraphView

_VOLUME = "no kernel computes it in 8 bits: its channels do not come last"
_TRANSPOSED = "no kernel computes transposed convolutions in 8 bits"
_SHAPE = "no kernel computes it in 8 bits as it is here"

_TOO_FEW = f"it has fewer than {FEWEST} weights, and is computed again and again"

_REASONS = {
    "BatchMatMul": _SHAPE,
    "BatchMatMulV2": _SHAPE,
    "Conv2D": _SHAPE,
    "Conv2DBackpropInput": _TRANSPOSED,
    "Conv3D": _VOLUME,
    "Conv3DBackpropInputV2": _TRANSPOSED,
    "DepthwiseConv2dNative": _SHAPE,
    "Einsum": _SHAPE,
    "MatMul": _SHAPE,
}
_VOLUMES = frozenset({"Conv3D", "Conv3DBackpropInputV2"})


def left_out(
    view: GraphView,
    named: Collection[str],
    repeated: Collection[str] = (),
    *,
    rounded_later: bool,
) -> Iterator[LayerPrecision]:
    """The layers, in the graph's order.

    Args:
        view: The graph.
        named: Nodes of which it is known what becomes of them.
        repeated: Nodes that are left to ranges at run time.
        rounded_later: Whether weights are rounded to 8 bits afterwards, which says
            itself what becomes of them: of all but those of three dimensions.
    """
    for node in view.nodes():
        if node.op not in _REASONS or node.name in named or len(node.input) < 2:
            continue
        if node.name in view.shapes:
            continue
        weights = view.weights(node.input[1])
        if weights is None or not view.is_float(node.name):
            continue
        # A part of a constant is a plane of a kernel of three dimensions.
        is_volume = node.op in _VOLUMES or view.constant(node.input[1]) is None
        if is_volume or not rounded_later:
            reason = _TOO_FEW if node.name in repeated else _REASONS[node.op]
            yield LayerPrecision(
                node.name, node.op, weights.shape, "float32", reason=reason
            )
