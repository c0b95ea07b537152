# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers whose weights float16 holds: what a layer goes back to before float32."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.source import node_of
from tfnative_aot.quantize.rounding import (
    CannotRoundError,
    FloatArray,
    StoredType,
    rounded,
    signal_to_noise,
)
from tfnative_aot.quantize.small_weights import FEWEST, check_kernels
from tfnative_aot.quantize.weight_uses import Weight, find_weights

FLOAT16 = "float16"
FLOAT32 = "float32"


def find_halves(
    graph: FrozenGraph, layers: Mapping[str, Sequence[str]]
) -> Mapping[str, float]:
    """The layers whose weights float16 holds, and that nothing else reads.

    Args:
        graph: The signature in floats.
        layers: Nodes of the products of each.

    Returns:
        The sum of the squares of what rounding changes, over that of the weights.
    """
    owner = {node: name for name, nodes in layers.items() for node in nodes}
    sums: dict[str, tuple[float, float]] = {}
    unfit = set()
    for weight in find_weights(graph.graph_def, _outputs(graph), FEWEST):
        names = {owner.get(use.reader.node) for use in weight.uses}
        weights = tf.make_ndarray(weight.node.attr["value"].tensor)
        try:
            near = small(weight, weights, "f16")
        except CannotRoundError:
            unfit |= names
            continue
        if len(names) > 1 or None in names:
            unfit |= names
            continue
        (name,) = names
        assert name is not None
        noise = float(np.square(near - weights, dtype=np.float64).sum())
        before = sums.get(name, (0.0, 0.0))
        signal = float(np.square(weights, dtype=np.float64).sum())
        sums[name] = before[0] + noise, before[1] + signal
    return {n: a / b if b else 0.0 for n, (a, b) in sums.items() if n not in unfit}


def half_ratios(
    graph: FrozenGraph, products: Collection[str]
) -> Mapping[str, float | None]:
    """Signal to noise of weights in float16, by product; None if nothing changes."""
    found: dict[str, float | None] = {}
    for weight in find_weights(graph.graph_def, _outputs(graph), FEWEST):
        names = {use.reader.node for use in weight.uses}
        if names <= set(products):
            weights = tf.make_ndarray(weight.node.attr["value"].tensor)
            ratio = signal_to_noise(weights, small(weight, weights, "f16"))
            found.update(dict.fromkeys(names, ratio))
    return found


def small(weight: Weight, weights: FloatArray, stored: StoredType) -> FloatArray:
    """The nearest weights that a type holds.

    Raises:
        CannotRoundError: They would not be near, or no kernel reads them.
    """
    check_kernels(weight, weights.shape)
    return rounded(weights, stored, weight.summed)


def with_rounded(graph: FrozenGraph, types: Mapping[str, StoredType]) -> FrozenGraph:
    """A copy of a graph, in which some weights are what smaller types hold.

    Args:
        graph: The signature.
        types: By nodes of products: of all that read the same weights.
    """
    made = type(graph.graph_def)()
    made.CopyFrom(graph.graph_def)
    for weight in find_weights(made, _outputs(graph), FEWEST):
        names = {use.reader.node for use in weight.uses}
        if names <= types.keys():
            (stored,) = {types[name] for name in names}
            tensor = weight.node.attr["value"].tensor
            near = small(weight, tf.make_ndarray(tensor), stored)
            tensor.CopyFrom(tf.make_tensor_proto(near))
    return replace(graph, graph_def=made)


def _outputs(graph: FrozenGraph) -> set[str]:
    return {node_of(tensor.tensor) for tensor in graph.outputs}
