# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Turns a signature into a graph of constants that is ready for tfcompile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tfnative.errors import CompileError
from tfnative_aot import _inputs_outputs, _static_shapes, tf_adapters
from tfnative_aot._places import Places
from tfnative_aot._source import Signature, SourceGraph, node_of
from tfnative_aot.check import check_source
from tfnative_aot.graph import BATCH, FrozenGraph, GraphTensor
from tfnative_aot.load_model import LoadedModel
from tfnative_aot.rewrites import rewrite
from tfnative_aot.shapes import resolve_shapes

# Inlining first, so that the others see through calls. None of these fuses ops
# into TensorFlow's own kernels, which XLA does not have.
_OPTIMIZERS = ("function", "pruning", "constfold", "dependency", "pruning")


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
    check_source(model.source.graph(found), found, Places(model.path))
    input_shapes = resolve_shapes(found, shapes)
    graph = _inputs_outputs.isolate(_constant_graph(model, found), found, input_shapes)
    graph_def = tf_adapters.tf().optimize(
        graph.graph_def,
        [node_of(tensor) for tensor in graph.inputs.values()],
        [node_of(tensor) for tensor in graph.outputs.values()],
        _OPTIMIZERS,
    )
    graph_def = rewrite(graph_def, [node_of(name) for name in graph.outputs.values()])
    graph = SourceGraph(graph_def, graph.inputs, graph.outputs, graph.roots)
    output_shapes = _static_shapes.output_shapes(graph, input_shapes)
    return FrozenGraph(
        signature=signature,
        graph_def=graph_def,
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
    )


def _constant_graph(model: LoadedModel, signature: Signature) -> SourceGraph:
    try:
        return model.source.constant_graph(signature)
    # TensorFlow's converters raise errors of every type on what they do not know.
    except Exception as error:
        raise CompileError(
            f"{model.path}, signature {signature.name!r}: TensorFlow cannot make "
            f"constants of the variables: {type(error).__name__}: {error}"
        ) from error
