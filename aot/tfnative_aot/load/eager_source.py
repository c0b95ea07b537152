# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""SavedModels that need TensorFlow 2's own loader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot import adapters
from tfnative_aot.load.filled import become_constant
from tfnative_aot.load.source import Arrays, Signature, SourceGraph, node_of


class EagerSource:
    """What tf.saved_model.load returned. Implements Source."""

    names_nodes = False

    def __init__(self, folder: Path, tags: Sequence[str]) -> None:
        """Loads a SavedModel.

        Raises:
            Exception: Whatever TensorFlow raises on a model that it cannot load.
        """
        # The signatures hold the variables weakly: the root keeps them alive.
        self._root = tf.saved_model.load(str(folder), tags=list(tags))
        self._functions: Mapping[str, Any] = self._root.signatures

    def run(self, signature: Signature, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """See Source."""
        dtypes = {spec.name: spec.dtype for spec in signature.inputs}
        arguments = {name: tf.constant(feeds[name], dtypes[name]) for name in feeds}
        with adapters.tf().without_optimizers():
            outputs = self._functions[signature.name](**arguments)
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    def graph(self, signature: Signature) -> SourceGraph:
        """See Source."""
        function = self._functions[signature.name]
        roots = {node_of(tensor.name) for tensor in function.outputs}
        roots |= {operation.name for operation in function.graph.control_outputs}
        inputs = [tensor.name for tensor in function.inputs]
        outputs = [tensor.name for tensor in function.outputs]
        return SourceGraph(
            graph_def=_with_captured(function.graph.as_graph_def(), function),
            inputs=self._inputs(function, inputs),
            outputs=self._outputs(function, outputs),
            roots=tuple(sorted(roots)),
        )

    def constant_graph(self, signature: Signature, graph: SourceGraph) -> SourceGraph:
        """See Source."""
        function = self._functions[signature.name]
        graph_def, inputs, outputs = adapters.tf().freeze_function(function)
        return SourceGraph(
            graph_def=_with_captured(graph_def, function),
            inputs=self._inputs(function, inputs),
            outputs=self._outputs(function, outputs),
            roots=tuple(sorted({node_of(name) for name in outputs})),
        )

    @staticmethod
    def _inputs(function: Any, tensors: Sequence[str]) -> dict[str, str]:
        # Captured variables come after the arguments.
        return dict(zip(adapters.tf().argument_names(function), tensors, strict=False))

    @staticmethod
    def _outputs(function: Any, tensors: Sequence[str]) -> dict[str, str]:
        return dict(zip(sorted(function.structured_outputs), tensors, strict=True))


def _with_captured(graph_def: GraphDef, function: Any) -> GraphDef:
    """The graph with constants that Python gave a function, which it takes as inputs.

    Variables stay: TensorFlow's own conversion knows them.
    """
    captured = function.captured_inputs
    values = {
        node_of(inside.name): tensor
        for inside, tensor in zip(
            function.inputs[len(function.inputs) - len(captured) :],
            captured,
            strict=True,
        )
        if tensor.dtype not in (tf.resource, tf.variant)
    }
    for node in graph_def.node:
        if node.op == "Placeholder" and node.name in values:
            become_constant(node, values[node.name].numpy())
    return graph_def
