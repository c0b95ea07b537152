# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Turns a signature into a graph of constants that is ready for tfcompile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import tensorflow as tf

from tfnative.errors import CompileError
from tfnative_aot import adapters
from tfnative_aot.freeze import inputs_outputs, static_shapes
from tfnative_aot.freeze.assertions import drop_proven
from tfnative_aot.freeze.branches import inline
from tfnative_aot.freeze.check import check_assertions, check_source
from tfnative_aot.freeze.graph import FrozenGraph, GraphTensor
from tfnative_aot.freeze.live import live_graph
from tfnative_aot.freeze.rewrites import keep_arithmetic, rewrite
from tfnative_aot.load.filled import mark_variables
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.places import Places
from tfnative_aot.load.reach import prune
from tfnative_aot.load.shapes import resolve_shapes
from tfnative_aot.load.source import BATCH, Signature, SourceGraph, node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

# They see through calls, which are inlined before. None of these fuses ops into
# TensorFlow's own kernels, which XLA does not have.
_FOLDING = ("constfold", "dependency", "pruning")

# Of real numbers these are associative. Sums of rounded numbers are not.
_ARITHMETIC = frozenset("Add AddV2 Div Mul RealDiv Sub".split())


def freeze(
    model: LoadedModel,
    signature: str,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> FrozenGraph:
    """Freezes one signature of a model.

    Variables become constants, calls are inlined, what the outputs do not need is
    dropped, and batch normalizations go into the weights before them where
    possible. Every input is a Placeholder, also one that nothing reads; every
    output is a node of its own.

    Args:
        model: The model.
        signature: Name of the signature.
        shapes: Shapes of inputs, with BATCH for the batch size, where the model
            leaves more than the batch size open.

    Raises:
        InvalidArgumentError: There is no such signature, or a size stays unknown;
            the message has the ``--shape`` flag to pass.
        CompileError: The signature has side effects. Lists all that is wrong.
    """
    found = model.signature(signature)
    places = Places(model.path)
    input_shapes = resolve_shapes(found, shapes)
    source = live_graph(model, found, input_shapes, places)
    assertions = check_source(source, found, places)
    isolated = inputs_outputs.isolate(
        constant_graph(model, found, source), found, input_shapes
    )
    optimized, unreached = _optimize(isolated)
    graph_def, proven = drop_proven(optimized)
    check_assertions(assertions, proven | unreached, graph_def, found)
    plain = replace(
        isolated, graph_def=inputs_outputs.release_inputs(graph_def, isolated)
    )
    graph_def = rewrite(graph_def, isolated.roots)
    graph_def = inputs_outputs.release_inputs(graph_def, isolated)
    graph = replace(isolated, graph_def=graph_def)
    return replace(_frozen(graph, found, input_shapes, places), plain=plain)


def flatten(
    model: LoadedModel,
    signature: str,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> SourceGraph:
    """A signature's graph without variables and calls, not checked at all.

    Raises:
        InvalidArgumentError: As ``freeze``.
        CompileError: TensorFlow cannot make constants of the variables.
    """
    found = model.signature(signature)
    input_shapes = resolve_shapes(found, shapes)
    source = live_graph(model, found, input_shapes, Places(model.path))
    isolated = inputs_outputs.isolate(
        constant_graph(model, found, source), found, input_shapes, carry=False
    )
    optimized, unreached = _optimize(isolated)
    graph_def = inputs_outputs.release_inputs(optimized, isolated)
    return replace(isolated, graph_def=graph_def, unreached=unreached)


def _optimize(graph: SourceGraph) -> tuple[GraphDef, frozenset[str]]:
    """The graph, and the names of assertions in branches that are never taken."""
    feeds = [node_of(tensor) for tensor in graph.inputs.values()]
    inlined, unreached = inline(graph.graph_def, feeds, list(graph.roots))
    inlined = keep_arithmetic(inlined, [*feeds, *graph.roots])
    kept = [*graph.roots, *_float_arithmetic(inlined)]
    optimized: GraphDef = adapters.tf().optimize(inlined, feeds, kept, _FOLDING)
    return prune(optimized, [*feeds, *graph.roots]), unreached


def _float_arithmetic(graph_def: GraphDef) -> Iterator[str]:
    """Names of nodes that Grappler would take together: (x + 1e8) - 1e8 for x + 0.

    It leaves those alone that are fetched.
    """
    for node in graph_def.node:
        if node.op in _ARITHMETIC:
            dtype = tf.dtypes.as_dtype(node.attr["T"].type)
            if not dtype.is_integer:
                yield node.name


def _frozen(
    graph: SourceGraph,
    found: Signature,
    input_shapes: Mapping[str, tuple[int, ...]],
    places: Places,
) -> FrozenGraph:
    output_shapes = static_shapes.output_shapes(graph, input_shapes)
    return FrozenGraph(
        signature=found.name,
        graph_def=graph.graph_def,
        inputs=tuple(
            GraphTensor(
                spec.name, graph.inputs[spec.name], spec.dtype, input_shapes[spec.name]
            )
            for spec in found.inputs
        ),
        outputs=tuple(
            GraphTensor(
                spec.name,
                graph.outputs[spec.name],
                spec.dtype,
                output_shapes[spec.name],
            )
            for spec in found.outputs
        ),
        has_batch=any(BATCH in shape for shape in input_shapes.values()),
        places=places,
    )


def constant_graph(
    model: LoadedModel, signature: Signature, graph: SourceGraph
) -> SourceGraph:
    """The signature's graph, or what of it is needed, with constants for variables.

    Raises:
        CompileError: TensorFlow cannot make constants of the variables.
    """
    try:
        constant = model.source.constant_graph(signature, graph)
    # TensorFlow's converters raise errors of every type on what they do not know.
    except Exception as error:
        raise CompileError(
            f"{model.path}, signature {signature.name!r}: TensorFlow cannot make "
            f"constants of the variables: {type(error).__name__}: {error}"
        ) from error
    mark_variables(constant.graph_def, graph.graph_def)
    return constant
