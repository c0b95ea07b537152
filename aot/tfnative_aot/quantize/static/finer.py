# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that the model itself rounds to more than 8 bits, which it was trained for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tfnative.manifest import LayerPrecision
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.grids import BITS, bits_of_op
from tfnative_aot.quantize.static.products import find_product

Floats = npt.NDArray[np.float32]

_FEWEST_VALUES = 64
_MOST_STEPS = 4
"""Between two neighbours of so many values, at most."""

_MOST_BITS = 16
_NEARLY_WHOLE = 0.02
"""Float32 has no more of numbers of so many bits."""


def bits_of_values(weights: Floats) -> int | None:
    """How many bits tell apart weights that are whole numbers of one step.

    TensorFlow has computed what rounds constants before anything here sees the graph.
    None if there is no such step, or if there are too few numbers to say.
    """
    values = np.unique(weights.astype(np.float64))
    if len(values) < _FEWEST_VALUES:
        return None
    span, least = values[-1] - values[0], np.diff(values).min()
    for number in range(1, _MOST_STEPS + 1):
        step = least / number
        if span / step >= 2**_MOST_BITS:
            return None
        counts = weights / step
        if np.abs(counts - np.rint(counts)).max() < _NEARLY_WHOLE:
            return int(np.ceil(np.log2(span / step + 1)))
    return None


def finer_layers(view: GraphView) -> Mapping[str, LayerPrecision]:
    """Why products stay as they are, by node."""
    found = {}
    for node in view.nodes():
        product = find_product(view, node)
        if product is None:
            continue
        reason = _reason(view, product.weights, view.source(product.given))
        if reason:
            shape = product.weights.shape
            found[node.name] = LayerPrecision(
                node.name, node.op, shape, "float32", reason=reason
            )
    return found


def _reason(view: GraphView, weights: Floats, given: str) -> str:
    own = bits_of_values(weights)
    if own is not None and own > BITS:
        return f"the model rounds its weights to {own} bits"
    if ":" in given:
        return ""
    source = view.node(given)
    bits = bits_of_op(source, [view.constant(each) for each in source.input[:4]])
    if bits is not None and bits > BITS:
        return f"the model rounds its input to {bits} bits"
    return ""
