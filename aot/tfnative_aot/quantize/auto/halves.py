# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers whose weights float16 holds: what a layer goes back to before float32."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfnative.manifest import LayerPrecision
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.source import node_of
from tfnative_aot.quantize.rounding import CannotRoundError, rounded, signal_to_noise
from tfnative_aot.quantize.small_weights import FEWEST, check_kernels, referring_to
from tfnative_aot.quantize.weight_uses import find_weights
from tfnative_aot.split.divide import Prepared

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

FLOAT16 = "float16"
FLOAT32 = "float32"


@dataclass(frozen=True, eq=False)
class Half:
    """A layer's weights in float16.

    Attributes:
        constant: The node that has them.
        near: The nearest weights that float16 holds.
        noise: The sum of the squares of what rounding changed, over that of weights.
        signal_to_noise: The same in decibels; None if nothing changed.
    """

    constant: str
    near: npt.NDArray[np.float32] = field(repr=False)
    noise: float
    signal_to_noise: float | None


def find_halves(graph: FrozenGraph, products: Collection[str]) -> Mapping[str, Half]:
    """The products whose weights float16 holds, and that nothing else reads."""
    found = {}
    outputs = {node_of(tensor.tensor) for tensor in graph.outputs}
    for weight in find_weights(graph.graph_def, outputs, FEWEST):
        readers = {use.reader.node for use in weight.uses}
        name = next(iter(readers))
        weights = tf.make_ndarray(weight.node.attr["value"].tensor)
        if len(readers) > 1 or name not in products or weights.dtype != np.float32:
            continue
        try:
            check_kernels(weight, weights.shape)
            near = rounded(weights, "f16", weight.summed)
        except CannotRoundError:
            continue
        ratio = signal_to_noise(weights, near)
        noise = 0.0 if ratio is None else float(10 ** (-ratio / 10))
        found[name] = Half(weight.node.name, near, noise, ratio)
    return found


def with_halves(graph_def: GraphDef, halves: Iterable[Half]) -> GraphDef:
    """A copy of a graph, in which some weights are what float16 holds."""
    by_name = {half.constant: half for half in halves}
    made = type(graph_def)()
    made.CopyFrom(graph_def)
    for node in made.node:
        if node.name in by_name:
            near = tf.make_tensor_proto(by_name[node.name].near)
            node.attr["value"].tensor.CopyFrom(near)
    return made


def halved(
    made: Prepared, halves: Mapping[str, Half], chosen: Collection[str]
) -> Prepared:
    """A signature in which some layers that are not in 8 bits have float16 weights."""
    if not chosen:
        return made

    def named(layer: LayerPrecision) -> LayerPrecision:
        if layer.node not in chosen:
            return layer
        ratio = halves[layer.node].signal_to_noise
        return replace(layer, stored=FLOAT16, signal_to_noise=ratio)

    graph_def = with_halves(made.graph.graph_def, [halves[name] for name in chosen])
    done = replace(
        made,
        graph=replace(made.graph, graph_def=graph_def),
        layers=tuple(map(named, made.layers)),
        small="f16",
    )
    return referring_to(done, graph_def)
