# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that find their ranges at run time: samples have none for their products.

These are recurrent layers, unrolled or not, and other products in loops and branches
or of forms that kernels with ranges of samples do not compute. All products with the
same weights are one layer: an unrolled layer has a product, and a copy of its weights,
for each step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from tfnative.manifest import LayerPrecision
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.source import node_of
from tfnative_aot.quantize.auto.halves import small
from tfnative_aot.quantize.rounding import (
    CannotRoundError,
    FloatArray,
    signal_to_noise,
)
from tfnative_aot.quantize.small_weights import FEWEST
from tfnative_aot.quantize.weight_uses import Weight, find_weights, is_product

_NO_PRODUCT = "no kernel computes it in 8 bits as it is here"


@dataclass(frozen=True)
class RunTimeLayer:
    """A layer that can be in 8 bits, with a range for each row at run time.

    Attributes:
        name: Its first product.
        products: What its layers are with weights in 8 bits: of each of its products.
        operations: Of all of them for a row, in one round of a loop; a multiplication
            and an addition are two.
    """

    name: str
    products: tuple[LayerPrecision, ...]
    operations: int

    @property
    def nodes(self) -> tuple[str, ...]:
        """Its products, by name."""
        return tuple(product.node for product in self.products)


@dataclass(frozen=True)
class RunTimeLayers:
    """All of a signature.

    Attributes:
        able: Those that can be in 8 bits, in the graph's order.
        others: Products that cannot, and why.
    """

    able: tuple[RunTimeLayer, ...]
    others: tuple[LayerPrecision, ...]


def find_run_time_layers(graph: FrozenGraph, known: Collection[str]) -> RunTimeLayers:
    """Looks for layers without ranges of samples.

    Args:
        graph: The signature in floats.
        known: Nodes of products of which it is known what becomes of them.
    """
    outputs = {node_of(tensor.tensor) for tensor in graph.outputs}
    able: list[tuple[set[str], list[LayerPrecision]]] = []
    others: list[LayerPrecision] = []
    for weight in find_weights(graph.graph_def, outputs, FEWEST):
        if weight.is_table or any(use.reader.node in known for use in weight.uses):
            continue
        weights = tf.make_ndarray(weight.node.attr["value"].tensor)
        if not all(is_product(use, weights.shape) for use in weight.uses):
            if any(use.reader.function for use in weight.uses):
                others += _kept(weight, weights, _NO_PRODUCT)
            continue  # Else the static steps know better why.
        try:
            products = list(_products(weight, weights))
        except CannotRoundError as error:
            others += _kept(weight, weights, str(error))
            continue
        content = np.ascontiguousarray(weights)
        digest = hashlib.sha256(repr(weights.shape).encode() + content.tobytes())
        _join(able, {digest.hexdigest(), *(p.node for p in products)}, products)
    return RunTimeLayers(
        tuple(_layer(products) for _, products in able),
        tuple(_alone(others)),
    )


def _products(weight: Weight, weights: FloatArray) -> Iterator[LayerPrecision]:
    """The products with weights, in 8 bits.

    Raises:
        CannotRoundError: These do not hold them.
    """
    ratio = signal_to_noise(weights, small(weight, weights, "s8"))
    for layer in _kept(weight, weights, ""):
        yield replace(layer, stored="int8", signal_to_noise=ratio)


def _kept(weight: Weight, weights: FloatArray, reason: str) -> Iterable[LayerPrecision]:
    return {
        use.reader: LayerPrecision(
            use.reader.node, use.op, weights.shape, "float32", reason=reason
        )
        for use in weight.uses
    }.values()


def _join(
    layers: list[tuple[set[str], list[LayerPrecision]]],
    marks: set[str],
    products: Sequence[LayerPrecision],
) -> None:
    """Adds products to those with the same weights, or whose names are the same."""
    same = [layer for layer in layers if layer[0] & marks]
    if not same:
        layers.append((marks, list(products)))
        return
    first, *rest = same
    for more in rest:
        layers.remove(more)
        first[0].update(more[0])
        first[1].extend(more[1])
    first[0].update(marks)
    first[1].extend(products)


def _layer(products: Sequence[LayerPrecision]) -> RunTimeLayer:
    own = _alone(products)
    operations = sum(2 * int(np.prod(product.shape)) for product in products)
    return RunTimeLayer(own[0].node, tuple(own), operations)


def _alone(products: Iterable[LayerPrecision]) -> list[LayerPrecision]:
    """Each node once."""
    return list({product.node: product for product in products}.values())
