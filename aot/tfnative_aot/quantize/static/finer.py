# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that the model itself rounds to more than 8 bits, which it was trained for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tfnative.manifest import LayerPrecision
from tfnative_aot.freeze.rewrites.dequantize import bits_of
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.grids import BITS, bits_of_op
from tfnative_aot.quantize.static.products import find_product

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def finer_layers(view: GraphView) -> Mapping[str, LayerPrecision]:
    """Why products stay as they are, by node."""
    found = {}
    for node in view.nodes():
        product = find_product(view, node)
        if product is None:
            continue
        reason = _reason(view, node, view.source(product.given))
        if reason:
            shape = product.weights.shape
            found[node.name] = LayerPrecision(
                node.name, node.op, shape, "float32", reason=reason
            )
    return found


def _reason(view: GraphView, node: NodeDef, given: str) -> str:
    constant = view.constant_node(node.input[1])
    weights = bits_of(constant) if constant is not None else None
    if weights is not None and weights > BITS:
        return f"the model rounds its weights to {weights} bits"
    if ":" in given:
        return ""
    source = view.node(given)
    bits = bits_of_op(source, [view.constant(each) for each in source.input[:4]])
    if bits is not None and bits > BITS:
        return f"the model rounds its input to {bits} bits"
    return ""
