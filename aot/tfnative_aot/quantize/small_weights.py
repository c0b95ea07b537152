# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rounds the weights of a signature, and makes a model of it to compare with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import tensorflow as tf

from tfnative.errors import CompileError
from tfnative.manifest import LayerPrecision
from tfnative_aot.freeze.carriers import carrier
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.session_source import SessionSource
from tfnative_aot.load.source import SourceGraph, node_of
from tfnative_aot.program.passes.pack_weights import FEWEST_COLUMNS
from tfnative_aot.quantize.rounding import (
    CannotRoundError,
    StoredType,
    rounded,
    signal_to_noise,
)
from tfnative_aot.quantize.weight_uses import BATCHED, Weight, find_weights, is_product
from tfnative_aot.split.divide import Prepared
from tfnative_aot.verify.plain_graph import moved

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

_NAMES = {"f16": "float16", "bf16": "bfloat16", "s8": "int8"}

FEWEST = 1024
"""Elements of weights that are worth it."""


def with_small_weights(prepared: Prepared, stored: StoredType) -> Prepared:
    """The signature with weights that a type holds, and TensorFlow's answers to it.

    Args:
        prepared: The signature.
        stored: The type.

    Raises:
        CompileError: An input or output is of a type that is smaller already.
    """
    graph = prepared.graph
    check_ends(graph)
    graph_def = type(graph.graph_def)()
    graph_def.CopyFrom(graph.graph_def)
    outputs = {node_of(tensor.tensor) for tensor in graph.outputs}
    layers, products = [], set()
    kept = {layer.node for layer in prepared.layers if layer.reason}
    for weight in find_weights(graph_def, outputs, FEWEST):
        if any(use.reader.node in kept for use in weight.uses):
            continue  # It was said already why they stay.
        tensor = weight.node.attr["value"].tensor
        weights = tf.make_ndarray(tensor)
        own = {
            use.reader: LayerPrecision(
                use.reader.node, use.op, weights.shape, "float32"
            )
            for use in weight.uses
        }.values()
        try:
            check_kernels(weight, weights.shape)
            near = rounded(weights, stored, weight.summed)
        except CannotRoundError as error:
            layers += [replace(layer, reason=str(error)) for layer in own]
            continue
        noise = signal_to_noise(weights, near)
        layers += [
            replace(layer, stored=_NAMES[stored], signal_to_noise=noise)
            for layer in own
        ]
        tensor.CopyFrom(tf.make_tensor_proto(near))
        products |= {u.reader.node for u in weight.uses if is_product(u, weights.shape)}
    made = replace(
        prepared,
        graph=replace(graph, graph_def=graph_def),
        layers=(*prepared.layers, *layers),
        exact=prepared.exact or prepared.model,
        products=frozenset(products),
    )
    return referring_to(made, graph_def)


def referring_to(prepared: Prepared, graph_def: GraphDef) -> Prepared:
    """The signature with another graph of it as the reference."""
    graph = prepared.graph
    plain = SourceGraph(
        graph_def,
        {tensor.name: tensor.tensor for tensor in graph.inputs},
        {tensor.name: tensor.tensor for tensor in graph.outputs},
        tuple(sorted({node_of(tensor.tensor) for tensor in graph.outputs})),
    )
    signature = moved(prepared.model.signature(graph.signature), plain)
    reference = replace(
        prepared.model,
        source=SessionSource.from_graph_def(graph_def),
        signatures={signature.name: signature},
    )
    return replace(prepared, model=reference, graph=replace(graph, plain=plain))


def check_ends(graph: FrozenGraph) -> None:
    """Refuses a signature whose inputs or outputs are smaller types already.

    Raises:
        CompileError: It is one.
    """
    for tensor in (*graph.inputs, *graph.outputs):
        if carrier(tensor.dtype) != tensor.dtype:
            raise CompileError(
                f"signature {graph.signature!r}: {tensor.name!r} is of type "
                f"{tensor.dtype}, and --precision is for models whose inputs and "
                "outputs are not: compile it without"
            )


def check_kernels(weight: Weight, shape: Sequence[int]) -> None:
    """Refuses weights that no kernel reads in a smaller type.

    Raises:
        CannotRoundError: With what is in the way.
    """
    if weight.is_table:
        return
    batched = any(use.op in BATCHED for use in weight.uses)
    if batched and math.prod(shape[:-2]) > 1:
        raise CannotRoundError("it is several matrices, of which each row has its own")
    channels = math.prod(shape) // math.prod(shape[dim] for dim in weight.summed or ())
    if weight.summed is not None and channels < FEWEST_COLUMNS:
        raise CannotRoundError(f"it has fewer than {FEWEST_COLUMNS} output channels")
