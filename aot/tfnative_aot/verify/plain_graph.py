# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's own graph of what is compiled: what judges has none of our rewrites."""

from __future__ import annotations

from dataclasses import replace

from tfnative_aot.freeze.carriers import carrier
from tfnative_aot.freeze.freeze import flatten
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.source import Signature, SourceGraph


def plain_graph(model: LoadedModel, graph: FrozenGraph) -> SourceGraph:
    """The graph without rewrites, with ends of the signature's own types.

    Raises:
        Error: It cannot be had.
    """
    known, tensors = graph.plain, (*graph.inputs, *graph.outputs)
    if known is not None and all(carrier(t.dtype) == t.dtype for t in tensors):
        return known
    shapes = {t.name: t.shape for t in graph.inputs if t.shape is not None}
    return flatten(model, graph.signature, shapes=shapes)


def moved(signature: Signature, graph: SourceGraph) -> Signature:
    """A signature whose tensors are those of its graph."""
    return replace(
        signature,
        inputs=tuple(
            replace(spec, tensor=graph.inputs[spec.name]) for spec in signature.inputs
        ),
        outputs=tuple(
            replace(spec, tensor=graph.outputs[spec.name]) for spec in signature.outputs
        ),
    )
